"""What a production refuses to start with, as far as it lies in the data of this app."""

from typing import Any

from django.core.checks import Error
from django.db import connection

from accounts import checkpoints, guards
from accounts.models import AuditCheckpoint, AuditEntry, User

# Reserved for examples: nobody can get a letter there, and everybody knows the demo's password.
INVENTED = ".example"


def _is_migrated(table: str) -> bool:
    return table in connection.introspection.table_names()


def every_guard_is_in_place(**_: Any) -> list[Error]:
    if not _is_migrated(AuditEntry._meta.db_table):
        return []
    mend = "is missing or switched off in the database; manage.py migrate puts it back."
    return [
        Error(f"DATABASE_URL: the guard {name} {mend}", id="accounts.E002")
        for name in guards.missing(connection)
    ]


def the_last_checkpoint_is_ours(**_: Any) -> list[Error]:
    """Else the key was exchanged, or somebody else has signed."""
    if not _is_migrated(AuditCheckpoint._meta.db_table):
        return []
    last = AuditCheckpoint.objects.order_by("-number").first()
    if last is None or checkpoints.is_signed(last):
        return []
    mend = "it did not sign the last checkpoint of the audit log; give the key that did."
    return [Error(f"AUDIT_SIGNING_KEY: {mend}", id="accounts.E003")]


def nobody_is_invented(**_: Any) -> list[Error]:
    if not _is_migrated(User._meta.db_table):
        return []
    invented = User.objects.filter(is_active=True, email__endswith=INVENTED)
    if not invented.exists():
        return []
    mend = f"holds active users with addresses that end in {INVENTED}: a demo's. Use another one."
    return [Error(f"DATABASE_URL: the database {mend}", id="accounts.E004")]
