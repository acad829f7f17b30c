"""What a production refuses to start with, as far as it lies in the data of this app."""

from typing import Any

from django.core.checks import Error
from django.db import connection

from verifications.models import WebhookEndpoint


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
