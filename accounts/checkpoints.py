"""Signed sums over the audit log, each over all that came before it.

A writer of the database can recompute any chain; it cannot sign (Ed25519, the key is not in the
database), and it cannot reach the copies that have left the machine: each checkpoint goes to the
log stream, and to the file of AUDIT_CHECKPOINT_FILE where that is set.
"""

import base64
import hashlib
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditCheckpoint, AuditEntry

log = logging.getLogger(__name__)

FIRST = "0" * 64
# An entry is numbered before it is committed. No transaction lives this long (the database's own
# time-outs end it), so that no entry can appear later below the last one that is covered.
SETTLED = timedelta(seconds=60)


def rolled(former: str, digests: Iterable[str]) -> tuple[str, int]:
    """The sum over the former sum and these digests, and how many they were."""
    total, count = hashlib.sha256(bytes.fromhex(former)), 0
    for digest in digests:
        total.update(bytes.fromhex(digest))
        count += 1
    return total.hexdigest(), count


@transaction.atomic
def make(now: datetime | None = None) -> AuditCheckpoint | None:
    """Covers every settled entry that none has covered yet; None: there is nothing new."""
    now = now or timezone.now()
    last = AuditCheckpoint.objects.select_for_update().order_by("-number").first()
    new = AuditEntry.objects.filter(pk__gt=last.upto if last else 0).order_by("pk")
    open_ = new.filter(at__gt=now - SETTLED).first()
    covered = new.filter(pk__lt=open_.pk) if open_ else new
    upto = covered.values_list("pk", flat=True).last()
    if upto is None:
        return None
    digests = covered.values_list("digest", flat=True).iterator()
    digest, count = rolled(last.digest if last else FIRST, digests)
    checkpoint = AuditCheckpoint(
        number=(last.number if last else 0) + 1,
        upto=upto,
        count=(last.count if last else 0) + count,
        digest=digest,
        at=now,
    )
    checkpoint.signature = signing_key().sign(note(checkpoint)).hex()
    checkpoint.save()
    transaction.on_commit(lambda: publish(checkpoint))
    return checkpoint


def note(checkpoint: AuditCheckpoint) -> bytes:
    """The text that is signed."""
    at = checkpoint.at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = (checkpoint.number, checkpoint.upto, checkpoint.count, checkpoint.digest, at)
    return ("idv-audit-checkpoint-1\n" + "\n".join(str(part) for part in parts) + "\n").encode()


def line(checkpoint: AuditCheckpoint) -> str:
    """The copy that leaves the machine: the note and its signature in one line."""
    return " ".join([*note(checkpoint).decode().split("\n")[1:-1], checkpoint.signature])


def publish(checkpoint: AuditCheckpoint) -> None:
    log.info("audit checkpoint %s", line(checkpoint))
    if settings.AUDIT_CHECKPOINT_FILE:
        with Path(settings.AUDIT_CHECKPOINT_FILE).open("a", encoding="ascii") as file:
            file.write(line(checkpoint) + "\n")


def is_signed(checkpoint: AuditCheckpoint) -> bool:
    try:
        public_key().verify(bytes.fromhex(checkpoint.signature), note(checkpoint))
    except (InvalidSignature, ValueError):
        return False
    return True


def signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.AUDIT_SIGNING_KEY))


def public_key() -> Ed25519PublicKey:
    return signing_key().public_key()
