from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and partners"

    def ready(self) -> None:
        # Here, and nowhere else, imports wait: models do not exist before.
        from accounts import access, guards

        # SQLite drops triggers silently when a migration rebuilds a table: put them back each time.
        post_migrate.connect(guards.install_after_migrate, dispatch_uid="accounts.guards")
        checks.register(access.every_view_declares_its_reach, checks.Tags.security)
