from django.urls import path

from verifications.views import (
    audit,
    callback,
    decide,
    detail,
    health,
    home,
    listing,
    media,
    notes,
    receiver,
    tags,
)

one = "verifications/<str:scan_ref>/"

urlpatterns = [
    path("", home.dashboard, name="home"),
    path("verifications/", listing.verifications, name="verification_list"),
    path(one, detail.show, name="verification_detail"),
    path(f"{one}reveal/", detail.reveal, name="verification_reveal"),
    path(f"{one}approve/", decide.approve, name="verification_approve"),
    path(f"{one}deny/", decide.deny, name="verification_deny"),
    path(f"{one}undo/", decide.undo, name="verification_undo"),
    path(f"{one}notes/", notes.write, name="verification_note"),
    path(f"{one}photos/<path:kind>/", media.photo, name="verification_photo"),
    path(f"{one}tags/<int:tag_id>/remove/", tags.remove, name="verification_remove_tag"),
    path("audit/", audit.entries, name="audit_log"),
    path("audit/export/", audit.export, name="audit_export"),
    path("callbacks/idenfy/<slug:partner_key>/", callback.receive, name="callback"),
    path("demo/receiver/", receiver.messages, name="demo_receiver"),
    path("demo/receiver/inbox/", receiver.receive, name="demo_inbox"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
