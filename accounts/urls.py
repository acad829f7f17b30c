"""Addresses below /accounts/: what our people need of django-allauth, and our few switches.

No sign-up and no e-mail management: users are invited, and support keeps their addresses.
"""

from allauth.account import views as allauth_views
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.urls import include, path, re_path
from django.views.decorators.http import require_POST

from accounts.own_access import logged
from accounts.views import joining, own

urlpatterns = [
    path("partner/", own.switch_partner, name="switch_partner"),
    path("theme/", own.set_theme, name="set_theme"),
    path("shortcuts/", own.set_shortcuts, name="set_shortcuts"),
    path("invitation/<str:token>/", joining.invitation, name="invitation"),
    path("login/", own.sign_in, name="account_login"),
    path("logout/", require_POST(allauth_views.logout), name="account_logout"),
    path("reauthenticate/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", allauth_views.password_change, name="account_change_password"),
    path("password/set/", allauth_views.password_set, name="account_set_password"),
    path("password/reset/", allauth_views.password_reset, name="account_reset_password"),
    path(
        "password/reset/done/",
        allauth_views.password_reset_done,
        name="account_reset_password_done",
    ),
    path(
        "password/reset/key/done/",
        allauth_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        allauth_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    # What changes second steps, before all the pages of the library.
    path("2fa/totp/activate/", logged(app.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", logged(app.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "2fa/recovery-codes/generate/",
        logged(codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("2fa/webauthn/add/", logged(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path(
        "2fa/webauthn/keys/<int:pk>/remove/",
        logged(passkeys.remove_webauthn),
        name="mfa_remove_webauthn",
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
