from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("accounts.site_urls")),
    path("", include("verifications.urls")),
]

handler400 = "idv_dashboard.errors.bad_request"
handler403 = "idv_dashboard.errors.forbidden"
handler404 = "idv_dashboard.errors.not_found"
handler500 = "idv_dashboard.errors.server_error"
