"""The index of names for rows that stand: what the program would have kept beside them."""

from django.db import transaction

from tests.bench import bulk
from verifications import models, search

MODELS = [models.NameWord, models.NameSuffix, models.NameUse]
PORTION = 10_000

Row = tuple[int, int, object, str]


def index_names() -> None:
    rows = models.Verification.objects.order_by("pk")
    columns = rows.values_list("pk", "partner", "started_at", "search_text")
    keys: dict[tuple[int, str], int] = {}
    writers = [bulk.Writer(model) for model in MODELS]
    last = 0
    while portion := list(columns.filter(pk__gt=last)[:PORTION]):
        for row in portion:
            _add(writers, keys, row)
        with transaction.atomic():
            for writer in writers:
                writer.write()
        last = portion[-1][0]


def _add(writers: list[bulk.Writer], keys: dict[tuple[int, str], int], row: Row) -> None:
    words, suffixes, uses = writers
    pk, partner, started_at, text = row
    for word in search.words(text):
        key = keys.get((partner, word))
        if key is None:
            key = keys[partner, word] = len(keys) + 1
            words.add({"partner_id": partner, "word": word})
            for suffix in search.suffixes(word):
                suffixes.add({"partner_id": partner, "suffix": suffix, "word_id": key})
        uses.add({"word_id": key, "started_at": started_at, "verification_id": pk})
