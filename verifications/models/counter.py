"""How many there are, kept as sums, so that no page has to count a million rows."""

from datetime import date

from django.db import models
from django.db.models import Q

from accounts.models import Partner

# The day under which the sum over all days stands.
EVER = date.min


class Measure(models.TextChoices):
    """What is counted; verifications and tags by the day they started, decisions by their own."""

    STANDING = "standing", "Verifications without open suspicion, by status"
    SUSPECTED = "suspected", "Verifications under suspicion, by status"
    MISMATCH_TAG = "mismatch_tag", "Mismatch tags that stand, by code"
    FRAUD_TAG = "fraud_tag", "Fraud tags that stand, by code"
    DECISION = "decision", "Decisions by action; of those taken back the undo alone"
    REASON = "reason", "Reasons of denials that were not taken back, by code"


class Counter(models.Model):
    """What was folded so far; `counters` adds the changes that were not."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    measure = models.CharField(max_length=12, choices=Measure)
    code = models.CharField(max_length=100)
    number = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "day", "measure", "code"], name="counter_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.code} on {self.day}: {self.number}"


class CounterChange(models.Model):
    """Written beside each change, never updated; gone once it is in its sums."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    measure = models.CharField(max_length=12, choices=Measure)
    code = models.CharField(max_length=100)
    by = models.SmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(day__gt=EVER), name="counter_change_has_its_day"),
            models.CheckConstraint(
                condition=Q(measure__in=Measure.values), name="counter_change_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.measure} {self.code} on {self.day}: {self.by:+}"
