"""Proof that nobody but `audit.record()` wrote the audit log, and that nothing of it is gone.

Chains find what was changed inside a stream, heads what was cut from its end, checkpoints what was
taken away whole, and copies of them outside find a rewriting of everything.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from itertools import groupby

from django.db import connection

from accounts import checkpoints, guards
from accounts.audit import FIRST, canonical, digest_of
from accounts.models import AuditCheckpoint, AuditEntry, AuditHead


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
    _verify_chains(proof)
    _verify_checkpoints(proof, list(copies))
    return proof


def _verify_chains(proof: Proof) -> None:
    heads = dict(AuditHead.objects.values_list("stream", "digest").iterator())
    entries = AuditEntry.objects.order_by("stream", "seq").iterator(chunk_size=2000)
    for stream, chain in groupby(entries, key=lambda entry: entry.stream):
        last = FIRST
        for seq, entry in enumerate(chain, 1):
            proof.problems += _wrong(entry, stream, seq, last)
            last = entry.digest
            proof.entries += 1
        proof.streams += 1
        if heads.pop(stream, None) != last:
            proof.problems.append(f"stream {stream}: its end is not where its head says")
    proof.problems += [f"stream {stream}: gone, its head is left" for stream in heads]


def _wrong(entry: AuditEntry, stream: str, seq: int, prev: str) -> Iterator[str]:
    place = f"stream {stream}, entry {seq}"
    if entry.seq != seq:
        yield f"{place}: missing"
    if entry.prev != prev:
        yield f"{place}: does not follow the one before it"
    if entry.digest != digest_of(entry.body):
        yield f"{place}: its text was changed"
    if not _columns_agree(entry):
        yield f"{place}: its columns do not say what its text says"


def _columns_agree(entry: AuditEntry) -> bool:
    try:
        told = json.loads(entry.body)
        facts = told.pop("facts")
    except (ValueError, KeyError, AttributeError):
        return False
    columns = {
        "stream": entry.stream,
        "seq": entry.seq,
        "prev": entry.prev,
        "kind": entry.kind,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "partner": entry.partner,
        "subject": entry.subject,
    }
    return told == columns and entry.body == canonical({**columns, "facts": facts})


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
