"""What a production refuses to start with, as far as it lies in the data of this app."""

from typing import Any

from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from accounts import sealing
from verifications.models import DataKey, WebhookEndpoint


def every_endpoint_is_https(**_: Any) -> list[Error]:
    if WebhookEndpoint._meta.db_table not in connection.introspection.table_names():
        return []
    plain = WebhookEndpoint.objects.filter(removed_at=None, is_active=True)
    plain = plain.exclude(address__startswith="https://")
    mend = "is told over plain http. Switch it off, or give it an https address."
    return [
        Error(f"Webhook endpoint {number} {mend}", id="verifications.E001")
        for number in plain.values_list("pk", flat=True)[:20]
    ]


def every_key_has_its_master(**_: Any) -> list[Error]:
    """Else a master key was forgotten, and what lies under it looks tampered with."""
    if DataKey._meta.db_table not in connection.introspection.table_names():
        return []
    try:
        known = sealing.masters()
    except ImproperlyConfigured:
        # Said by the check of that setting.
        return []
    if not DataKey.objects.exclude(master__in=known).exists():
        return []
    mend = "name the former key too: data keys are wrapped under one that is not here."
    return [Error(f"DATA_KEY_FALLBACKS: {mend}", id="vault.E001")]
