"""The sums over what was there before counters were; `check_counters --repair` makes the same."""

from collections import Counter as Sums
from datetime import date
from functools import partial

from django.db import migrations
from django.db.models import Count, Max, Min
from django.db.models.functions import TruncDate

EVER = date.min
BATCH = 20_000


def _batches(rows, key):
    """A count over millions would take longer than a statement is given."""
    ends = rows.aggregate(first=Min(key), last=Max(key))
    if ends["first"] is None:
        return
    for start in range(ends["first"], ends["last"] + 1, BATCH):
        yield rows.filter(**{f"{key}__gte": start, f"{key}__lt": start + BATCH})


def _by_day(rows, partner, moment, *parts):
    grouped = rows.order_by().annotate(on=TruncDate(moment)).values_list(partner, "on", *parts)
    return grouped.annotate(number=Count("pk"))


def _counted(model):
    for rows in _batches(model("Verification").objects.all(), "pk"):
        for partner, day, status, suspected, number in _by_day(
            rows, "partner", "started_at", "status", "suspected"
        ):
            yield partner, day, "suspected" if suspected else "standing", status, number
    for rows in _batches(model("Tag").objects.filter(removed_at=None), "pk"):
        for partner, day, kind, code, number in _by_day(
            rows, "verification__partner", "verification__started_at", "kind", "code"
        ):
            yield partner, day, f"{kind}_tag", code, number
    decisions = model("Decision").objects.filter(undone_by=None)
    for rows in _batches(decisions, "verification_id"):
        for partner, day, action, number in _by_day(rows, "partner", "decided_at", "action"):
            yield partner, day, "decision", action, number
    reasons = model("DecisionReason").objects.filter(decision__undone_by=None)
    for rows in _batches(reasons, "pk"):
        for partner, day, code, number in _by_day(
            rows, "decision__partner", "decision__decided_at", "code"
        ):
            yield partner, day, "reason", code, number


def count(apps, schema_editor):
    sums = Sums()
    for partner, day, measure, code, number in _counted(partial(apps.get_model, "verifications")):
        sums[partner, day, measure, code] += number
        sums[partner, EVER, measure, code] += number
    counter = apps.get_model("verifications", "Counter")
    counter.objects.bulk_create(
        (
            counter(partner_id=partner, day=day, measure=measure, code=code, number=number)
            for (partner, day, measure, code), number in sums.items()
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('verifications', '0006_counters'),
    ]

    operations = [
        migrations.RunPython(count, migrations.RunPython.noop, elidable=True),
    ]
