"""The only writer of the audit log.

Each entry is the next link of its stream's chain: digest = SHA-256 over the canonical body, and
the body names the digest before it. The database takes no other one, and moves the head of the
stream itself. A stream is small and has one writer at a time (a verification,
a user, a partner), so that two decisions never wait for one chain.
"""

import hashlib
import json
from datetime import UTC
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from accounts.cursors import prepared_cursor
from accounts.insertions import insert
from accounts.models import FIRST, OF_NO_PARTNER, AuditEntry, AuditHead, Kind, Partner, User
from accounts.statements import Slot, Statement


class Link(NamedTuple):
    """The last of a stream, which its next entry names."""

    seq: int
    digest: str


START = Link(0, FIRST)
# A stream without an entry has no row to lock: whoever begins one locks its name.
BEGIN = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
HEAD = Statement(lambda: AuditHead.objects.select_for_update().filter(stream=Slot("stream")))


def canonical(facts: dict[str, Any]) -> str:
    """Sorted keys, no spaces, no floats: the same facts always give the same bytes."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(body: str) -> str:
    return hashlib.sha256(b"idv-audit-1\0" + body.encode()).hexdigest()


def record(
    kind: Kind,
    last: Link | None = None,
    /,
    *,
    actor: User | None,
    partner: Partner | None,
    subject: str,
    stream: str,
    **facts: str | int | bool | list[str] | None,
) -> AuditEntry:
    """Appends one entry, in the caller's transaction; `actor` None is the system.

    `last` is for who has read it under the lock of whatever the stream is of. A wrong one the
    database refuses. `facts` must hold nothing of an applicant: codes, references and numbers only.
    """
    if partner and kind in OF_NO_PARTNER:
        raise TypeError(f"{kind} is not told at a partner: its Admins could not ask for it")
    with transaction.atomic(savepoint=False):
        last = last or _last(stream)
        entry = AuditEntry(
            stream=stream,
            seq=last.seq + 1,
            prev=last.digest,
            kind=Kind(kind),
            at=timezone.now(),
            actor=actor.pk if actor else None,
            partner=partner.pk if partner else None,
            subject=subject,
        )
        entry.body = canonical(
            {
                "stream": entry.stream,
                "seq": entry.seq,
                "prev": entry.prev,
                "kind": entry.kind,
                "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "actor": entry.actor,
                "partner": entry.partner,
                "subject": entry.subject,
                "facts": facts,
            }
        )
        entry.digest = digest_of(entry.body)
        insert(entry)
    return entry


def _last(stream: str) -> Link:
    head = _head(stream)
    if head is None and connection.vendor == "postgresql":
        with prepared_cursor(BEGIN) as cursor:
            cursor.execute(BEGIN, [stream])
        head = _head(stream)
    return Link(head.seq, head.digest) if head else START


def _head(stream: str) -> AuditHead | None:
    return next(iter(HEAD.instances(stream=stream)), None)
