from django.contrib.admin.apps import AdminConfig


class SupportAdminConfig(AdminConfig):
    """Django admin as support uses it: one door, closed lookups, changes on record."""

    default_site = "accounts.support.SupportSite"
