from django.urls import path

from verifications.views import (
    audit,
    callback,
    decide,
    deliveries,
    detail,
    health,
    home,
    listing,
    media,
    notes,
    receiver,
    tags,
    webhooks,
)

one = "verifications/<str:scan_ref>/"
endpoint = "webhooks/endpoints/<int:pk>/"
delivery = "webhooks/deliveries/<uuid:key>/"

urlpatterns = [
    path("", home.dashboard, name="home"),
    path("verifications/", listing.verifications, name="verification_list"),
    path("filter/", listing.filters, name="verification_filter"),
    path(one, detail.show, name="verification_detail"),
    path(f"{one}reveal/", detail.reveal, name="verification_reveal"),
    path(f"{one}approve/", decide.approve, name="verification_approve"),
    path(f"{one}deny/", decide.deny, name="verification_deny"),
    path(f"{one}undo/", decide.undo, name="verification_undo"),
    path(f"{one}notes/", notes.write, name="verification_note"),
    path(f"{one}photos/<path:kind>/", media.photo, name="verification_photo"),
    path(f"{one}tags/<int:tag_id>/remove/", tags.remove, name="verification_remove_tag"),
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/endpoints/add/", webhooks.add, name="webhook_add"),
    path(endpoint, webhooks.endpoint, name="webhook_endpoint"),
    path(f"{endpoint}rotate/", webhooks.rotate, name="webhook_rotate"),
    path(f"{endpoint}pause/", webhooks.pause, name="webhook_pause"),
    path(f"{endpoint}resume/", webhooks.resume, name="webhook_resume"),
    path(f"{endpoint}test/", webhooks.test, name="webhook_test"),
    path(f"{endpoint}remove/", webhooks.remove, name="webhook_remove"),
    path("webhooks/undo-time/", webhooks.undo_time, name="webhook_undo_time"),
    path("webhooks/deliveries/", deliveries.index, name="delivery_list"),
    path(delivery, deliveries.show, name="delivery_detail"),
    path(f"{delivery}reveal/", deliveries.reveal, name="delivery_reveal"),
    path(f"{delivery}resend/", deliveries.resend, name="delivery_resend"),
    path(f"{delivery}present/", deliveries.send_present, name="delivery_send_present"),
    path("audit/", audit.entries, name="audit_log"),
    path("audit/export/", audit.export, name="audit_export"),
    path("callbacks/idenfy/<slug:partner_key>/", callback.receive, name="callback"),
    path("demo/receiver/", receiver.messages, name="demo_receiver"),
    path("demo/receiver/inbox/", receiver.receive, name="demo_inbox"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
