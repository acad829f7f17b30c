"""Whether the index of words says what the names say, and how it is made to.

Names are never told: what is wrong is a count, or the number of a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet

from verifications.models import NameSuffix, NameUse, NameWord, Verification
from verifications.names import keeping
from verifications.search import suffixes, words

BATCH = 200
Row = TypeVar("Row", bound=Model)


@dataclass
class Found:
    names: int = 0
    words: int = 0
    # Keys of verifications and of words of which the index says too little or too much.
    wrong_names: list[int] = field(default_factory=list)
    wrong_words: list[int] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.wrong_names and not self.wrong_words


def compare() -> Found:
    found = Found()
    for names in _batches(Verification.objects.only("partner", "started_at", "search_text")):
        found.names += len(names)
        found.wrong_names += _badly_found(names)
    for batch in _batches(NameWord.objects.all()):
        found.words += len(batch)
        found.wrong_words += _badly_kept(batch)
    return found


def repair(found: Found) -> None:
    """Each row in a transaction of its own, read again under a lock."""
    for pk in found.wrong_names:
        with transaction.atomic():
            it = Verification.objects.select_for_update().get(pk=pk)
            keeping.lock(keeping.ALONE, it.partner_id)
            uses = NameUse.objects.filter(verification=it)
            keeping.drop(it, NameWord.objects.filter(pk__in=uses.values("word")))
            keeping.fill([it])
    for seen in NameWord.objects.filter(pk__in=found.wrong_words):
        with transaction.atomic():
            keeping.lock(keeping.ALONE, seen.partner_id)
            for word in NameWord.objects.filter(pk=seen.pk):
                word.suffixes.all().delete()
                keeping.add_suffixes(word.partner_id, {word.word: word.pk})
                keeping.unused(NameWord.objects.filter(pk=word.pk)).delete()


def _batches(rows: QuerySet[Row]) -> Iterator[Sequence[Row]]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def _badly_found(names: Sequence[Verification]) -> list[int]:
    """Those whose uses are not their words."""
    uses = NameUse.objects.filter(verification__in=names).order_by("verification")
    kept = {
        pk: {(use.word.partner_id, use.started_at, use.word.word) for use in its}
        for pk, its in groupby(uses.select_related("word"), lambda use: use.verification_id)
    }
    return [
        it.pk
        for it in names
        if kept.get(it.pk, set())
        != {(it.partner_id, it.started_at, word) for word in words(it.search_text)}
    ]


def _badly_kept(batch: Sequence[NameWord]) -> list[int]:
    """Words that nobody uses, or that are not found by each of their suffixes and by no other."""
    rows = NameSuffix.objects.filter(word__in=batch).order_by("word")
    kept = {
        pk: {(row.partner_id, bytes(row.suffix)) for row in its}
        for pk, its in groupby(rows, lambda row: row.word_id)
    }
    keys = [word.pk for word in batch]
    unused = {word.pk for word in keeping.unused(NameWord.objects.filter(pk__in=keys))}
    return [
        word.pk
        for word in batch
        if word.pk in unused
        or kept.get(word.pk) != {(word.partner_id, suffix) for suffix in suffixes(word.word)}
    ]
