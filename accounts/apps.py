from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and partners"

    def ready(self) -> None:
        # Here, and nowhere else, imports wait: models do not exist before.
        from accounts import access, cursors, guards, patience
        from accounts import checks as ours

        connection_created.connect(cursors.begin, dispatch_uid="accounts.cursors")
        # SQLite rebuilds tables: it drops their triggers silently, and stumbles over those of other
        # tables that name one. They are set aside for a migration, and put back each time.
        pre_migrate.connect(guards.lift_before_migrate, dispatch_uid="accounts.guards")
        post_migrate.connect(guards.install_after_migrate, dispatch_uid="accounts.guards")
        pre_migrate.connect(patience.begin, dispatch_uid="accounts.patience")
        post_migrate.connect(patience.end, dispatch_uid="accounts.patience")
        checks.register(access.every_view_declares_its_reach, checks.Tags.security)
        checks.register(ours.every_guard_is_in_place, "boot", deploy=True)
        checks.register(ours.the_last_checkpoint_is_ours, "boot", deploy=True)
        checks.register(ours.nobody_is_invented, "boot", deploy=True)
