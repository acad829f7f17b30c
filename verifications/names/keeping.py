"""Keeps the index of words equal to the names, in the transaction that writes a name."""

from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.cursors import prepared_cursor
from accounts.insertions import insert_missing
from accounts.statements import OneOf, Slot, Statement, Texts
from verifications.models import NameSuffix, NameUse, NameWord, Verification
from verifications.search import suffixes, words

# Until the transaction ends, those who use words are together, who deletes some is alone: else a
# word could go while another begins to use it. SQLite has one writer anyway.
TOGETHER = "SELECT pg_advisory_xact_lock_shared(%s, %s)"
ALONE = "SELECT pg_advisory_xact_lock(%s, %s)"
WORDS = 0x6E616D65


def keep(verification: Verification, former: str = "") -> None:
    """After a verification began, or was changed and may have another search text than before.

    Last of what its transaction does, as far as that can be: whoever brings the same new word waits
    for the rest of it.
    """
    if verification.search_text == former:
        return
    now, before = words(verification.search_text), words(former)
    partner = verification.partner_id
    if gone := before - now:
        lock(ALONE, partner)
        drop(verification, NameWord.objects.filter(partner=partner, word__in=gone))
    else:
        lock(TOGETHER, partner)
    _use({verification: now - before})


def fill(verifications: Iterable[Verification]) -> None:
    """For many rows at once; what is there already stays."""
    for partner, ours in groupby(verifications, lambda it: it.partner_id):
        lock(TOGETHER, partner)
        _use({it: words(it.search_text) for it in ours})


def lock(how: str, partner: int) -> None:
    if connection.vendor == "postgresql":
        with prepared_cursor(how) as cursor:
            cursor.execute(how, [WORDS, partner])


def _use(wanted: dict[Verification, set[str]]) -> None:
    """Of one partner."""
    partner = next(iter(wanted)).partner_id
    ids = _ids(partner, set().union(*wanted.values()))
    insert_missing(
        *(
            NameUse(word_id=ids[word], started_at=it.started_at, verification=it)
            for it, used in wanted.items()
            for word in sorted(used)
        )
    )


def _ids(partner: int, wanted: set[str]) -> dict[str, int]:
    """Two who bring the same new words insert them in the same order: one waits, neither fails."""
    ids = _known(partner, wanted)
    if missing := sorted(wanted - ids.keys()):
        insert_missing(*(NameWord(partner_id=partner, word=word) for word in missing))
        new = _known(partner, missing)
        add_suffixes(partner, new)
        ids |= new
    return ids


def _known(partner: int, wanted: Collection[str]) -> dict[str, int]:
    found: Any = KNOWN.rows(partner=partner, words=list(wanted))
    return dict(found)


def _of_words() -> QuerySet:
    known = NameWord.objects.filter(OneOf(F("word"), Texts("words")), partner=Slot("partner"))
    return known.order_by().values_list("word", "pk")


KNOWN = Statement(_of_words)


def add_suffixes(partner: int, ids: dict[str, int]) -> None:
    insert_missing(
        *(
            NameSuffix(partner_id=partner, suffix=suffix, word_id=pk)
            for word, pk in ids.items()
            for suffix in suffixes(word)
        )
    )


def drop(verification: Verification, gone: QuerySet[NameWord]) -> None:
    """Takes the uses away, and the words that nobody uses any more: a rare name tells of somebody.

    Needs to be alone.
    """
    ids = list(gone.values_list("pk", flat=True))
    NameUse.objects.filter(word__in=ids, verification=verification).delete()
    unused(NameWord.objects.filter(pk__in=ids)).delete()


def unused(of: QuerySet[NameWord]) -> QuerySet[NameWord]:
    return of.exclude(Exists(NameUse.objects.filter(word=OuterRef("pk"))))
