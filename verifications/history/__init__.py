"""Whether rows and the audit log tell the same story, and nothing that was erased is back.

Where each verification stands, and each decision, disposal, hold, removed tag and note of a person
is claimed by exactly one entry. Compared in portions; what differs is looked at again, for others
may be writing meanwhile.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from accounts.models import AuditHead
from verifications.history import deeds, erased
from verifications.models import Verification

# Where the last proof's answer is kept.
PROVEN = "audit-proven"
PORTION = 500
LOOKS = 3


def problems() -> Iterator[str]:
    rows = Verification.objects.order_by("pk").values_list("pk", flat=True)
    for keys in _portions(rows.iterator(chunk_size=PORTION)):
        yield from _lasting(keys)
    for keys in _portions(_told_of()):
        there = Verification.objects.filter(pk__in=keys).values_list("pk", flat=True)
        yield from _lasting(sorted(set(keys) - set(there)))


def _told_of() -> Iterator[int]:
    streams = AuditHead.objects.filter(stream__startswith="v/").values_list("stream", flat=True)
    for stream in streams.iterator(chunk_size=PORTION):
        if (number := stream.removeprefix("v/")).isdecimal():
            yield int(number)


def _portions(keys: Iterable[int]) -> Iterator[list[int]]:
    left = iter(keys)
    while portion := list(islice(left, PORTION)):
        yield portion


def _lasting(keys: list[int]) -> Iterator[str]:
    found = _compared(keys)
    for _ in range(LOOKS - 1):
        found = _compared(list(found)) if found else {}
    for key, problems in found.items():
        yield from (f"verification {key}: {problem}" for problem in problems)


def _compared(keys: list[int]) -> dict[int, list[str]]:
    """What is wrong, by verification."""
    log = deeds.of_log(keys)
    found = deeds.differences(log, deeds.of_rows(keys))
    found += erased.left_over([deed.of for deed in log if deed.is_disposal])
    wrong: dict[int, list[str]] = {}
    for key, problem in found:
        wrong.setdefault(key, []).append(problem)
    return wrong
