"""Disposals and holds, as tests ask for them."""

import uuid
from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests import factories
from verifications import disposal, holds
from verifications.models import Disposal, HoldReason, Verification

Answer = Any


def dispose(user: User, it: Verification, **changes: Any) -> Disposal:
    it.refresh_from_db()
    asked = {"seen_revision": it.revision, "request_key": uuid.uuid4()} | changes
    return disposal.dispose(factories.membership(user), it, **asked)


def hold(user: User, it: Verification, reference: str = "") -> bool:
    return holds.place(factories.membership(user), it, HoldReason.DISPUTE, reference)


def post(client: Client, it: Verification, **changes: Any) -> Answer:
    """The confirm page's form, ticked, with changes; a None takes a field out."""
    typed = {"agreed": "1", "seen_revision": it.revision, "request_key": uuid.uuid4()} | changes
    typed = {name: value for name, value in typed.items() if value is not None}
    return client.post(reverse("verification_dispose", args=[it.scan_ref]), typed)


def long_ago(it: Verification, days: int = 2000) -> None:
    past = timezone.now() - timedelta(days=days)
    Verification.objects.filter(pk=it.pk).update(finished_at=past)
