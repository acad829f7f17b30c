"""Proof that nobody but `audit.record()` wrote the audit log, and that nothing of it is gone.

Chains find what was changed inside a stream, heads what was cut from its end, checkpoints what was
taken away whole, and copies of them outside find a rewriting of everything.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Subquery

from accounts import checkpoints, guards, patience
from accounts.audit import digest_of
from accounts.models import FIRST, AuditCheckpoint, AuditEntry, AuditHead


@dataclass
class Proof:
    """What was looked at, and each place where it is not as it was written."""

    entries: int = 0
    streams: int = 0
    checkpoints: int = 0
    covered: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems


def verify(copies: Iterable[str] = ()) -> Proof:
    """`copies` are lines of checkpoints that were kept elsewhere."""
    proof = Proof()
    proof.problems += [f"guard {name} is missing" for name in guards.missing(connection)]
    with patience.granted():
        _verify_chains(proof)
        _verify_checkpoints(proof, list(copies))
    return proof


class _Link(NamedTuple):
    """An entry as a bare row: instances would cost more than all that is proven of them."""

    stream: str
    seq: int
    prev: str
    digest: str
    kind: str
    at: datetime
    actor: int | None
    partner: int | None
    subject: str
    body: str
    head: str | None


def _verify_chains(proof: Proof) -> None:
    """In one statement with the heads, so that entries of meanwhile do not look cut off."""
    head = AuditHead.objects.filter(stream=OuterRef("stream")).values("digest")
    entries = AuditEntry.objects.order_by("stream", "seq").annotate(head=Subquery(head))
    links = map(_Link._make, entries.values_list(*_Link._fields).iterator(chunk_size=2000))
    for stream, chain in groupby(links, key=attrgetter("stream")):
        last = FIRST
        for seq, link in enumerate(chain, 1):
            proof.problems += _wrong(link, seq, last)
            last = link.digest
            proof.entries += 1
        proof.streams += 1
        if link.head != last:
            proof.problems.append(f"stream {stream}: its end is not where its head says")
    empty = AuditHead.objects.exclude(Exists(AuditEntry.objects.filter(stream=OuterRef("stream"))))
    gone = empty.values_list("stream", flat=True)
    proof.problems += [f"stream {stream}: gone, its head is left" for stream in gone]


def _wrong(link: _Link, seq: int, prev: str) -> Iterator[str]:
    place = f"stream {link.stream}, entry {seq}"
    if link.seq != seq:
        yield f"{place}: missing"
    if link.prev != prev:
        yield f"{place}: does not follow the one before it"
    if link.digest != digest_of(link.body):
        yield f"{place}: its text was changed"
    if not _columns_agree(link):
        yield f"{place}: its columns do not say what its text says"


def _columns_agree(link: _Link) -> bool:
    try:
        told = json.loads(link.body)
        del told["facts"]
    except (ValueError, KeyError, TypeError):
        return False
    return told == {
        "stream": link.stream,
        "seq": link.seq,
        "prev": link.prev,
        "kind": link.kind,
        "at": link.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": link.actor,
        "partner": link.partner,
        "subject": link.subject,
    }


def _verify_checkpoints(proof: Proof, copies: list[str]) -> None:
    former, upto = checkpoints.FIRST, 0
    lines = {}
    for number, checkpoint in enumerate(AuditCheckpoint.objects.order_by("number"), 1):
        place = f"checkpoint {checkpoint.number}"
        if checkpoint.number != number:
            proof.problems.append(f"checkpoint {number}: missing")
        if not checkpoints.is_signed(checkpoint):
            proof.problems.append(f"{place}: its signature does not hold")
        covered = AuditEntry.objects.filter(pk__gt=upto, pk__lte=checkpoint.upto).order_by("pk")
        digests = covered.values_list("digest", flat=True).iterator(chunk_size=5000)
        digest, count = checkpoints.rolled(former, digests)
        proof.covered += count
        if (digest, proof.covered) != (checkpoint.digest, checkpoint.count):
            proof.problems.append(f"{place}: the entries are not those that it was made over")
        former, upto = checkpoint.digest, checkpoint.upto
        lines[str(checkpoint.number)] = checkpoints.line(checkpoint)
        proof.checkpoints += 1
    for copy in copies:
        if lines.get(copy.split(" ", 1)[0]) != copy:
            proof.problems.append(f"checkpoint {copy.split(' ', 1)[0][:20]}: not as its copy says")
