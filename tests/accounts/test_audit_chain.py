"""The database itself takes nothing but the next link of a stream, and moves its head."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import FIRST, AuditEntry, AuditHead, Kind

STREAM = "u/7"


@pytest.fixture
def last(db: None) -> AuditEntry:
    for _ in range(2):
        entry = audit.record(Kind.VIEWED, actor=None, partner=None, subject="s", stream=STREAM)
    return entry


def link(**fields: Any) -> AuditEntry:
    told = {"stream": STREAM, "seq": 3, "prev": "", "digest": "d" * 64, "kind": Kind.VIEWED}
    return AuditEntry(**told | {"at": timezone.now(), "subject": "s", "body": "{}"} | fields)


def test_the_head_moves_with_each_entry(last: AuditEntry) -> None:
    head = AuditHead.objects.get(stream=STREAM)
    assert (head.seq, head.digest) == (2, last.digest)
    link(prev=last.digest).save()
    head.refresh_from_db()
    assert (head.seq, head.digest) == (3, "d" * 64)


@pytest.mark.parametrize(
    "fields",
    [
        {"prev": "f" * 64},
        {"prev": FIRST},
        {"seq": 2},
        {"seq": 4},
        {"seq": 1, "prev": FIRST},
        {"stream": "u/8", "seq": 1, "prev": "f" * 64},
        {"stream": "u/8", "seq": 2, "prev": FIRST},
    ],
    ids=str,
)
def test_what_is_not_the_next_link_is_refused(last: AuditEntry, fields: dict[str, Any]) -> None:
    forged = link(**{"prev": last.digest} | fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        forged.save()
    assert AuditEntry.objects.filter(stream__in=[STREAM, "u/8"]).count() == 2
    assert AuditHead.objects.get(stream=STREAM).seq == 2


def test_an_entry_takes_two_statements(last: AuditEntry, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        audit.record(Kind.VIEWED, actor=None, partner=None, subject="s", stream=STREAM)


def test_who_has_read_the_last_link_asks_no_more(
    last: AuditEntry, django_assert_num_queries: Any
) -> None:
    told: dict[str, Any] = {"actor": None, "partner": None, "subject": "s", "stream": STREAM}
    with django_assert_num_queries(1):
        audit.record(Kind.VIEWED, audit.Link(last.seq, last.digest), **told)
    with pytest.raises(IntegrityError), transaction.atomic():
        audit.record(Kind.VIEWED, audit.Link(last.seq, last.digest), **told)
    assert AuditHead.objects.get(stream=STREAM).seq == 3
