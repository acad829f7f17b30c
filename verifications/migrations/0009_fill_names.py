from django.db import migrations, transaction

from verifications.search import suffixes, words

BATCH = 500


def fill(apps, schema_editor):
    """Batch by batch, each again without harm: what was written stays where one fails."""
    named = apps.get_model("verifications", "Verification").objects.exclude(search_text="")
    for batch in batches(named.only("partner", "started_at", "search_text")):
        with transaction.atomic(schema_editor.connection.alias):
            write_uses(apps, batch)
    for batch in batches(apps.get_model("verifications", "NameWord").objects.all()):
        write_suffixes(apps, batch)


def batches(rows):
    batch = list(rows.order_by("pk")[:BATCH])
    while batch:
        yield batch
        batch = list(rows.order_by("pk").filter(pk__gt=batch[-1].pk)[:BATCH])


def write_uses(apps, batch):
    Word, Use = (apps.get_model("verifications", name) for name in ("NameWord", "NameUse"))
    wanted = {}
    for row in batch:
        wanted.setdefault(row.partner_id, set()).update(words(row.search_text))
    ids = {}
    for partner, its in wanted.items():
        new = [Word(partner_id=partner, word=word) for word in sorted(its)]
        Word.objects.bulk_create(new, ignore_conflicts=True)
        known = Word.objects.filter(partner=partner, word__in=its)
        ids |= {(partner, word): pk for word, pk in known.values_list("word", "pk")}
    Use.objects.bulk_create(
        [
            Use(word_id=ids[row.partner_id, word], started_at=row.started_at, verification=row)
            for row in batch
            for word in words(row.search_text)
        ],
        ignore_conflicts=True,
    )


def write_suffixes(apps, batch):
    Suffix = apps.get_model("verifications", "NameSuffix")
    Suffix.objects.bulk_create(
        [
            Suffix(partner_id=word.partner_id, suffix=suffix, word=word)
            for word in batch
            for suffix in suffixes(word.word)
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("verifications", "0008_names")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
