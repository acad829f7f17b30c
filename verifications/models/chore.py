from django.db import models
from django.utils import timezone

FOLDING = "fold counters"


class Chore(models.Model):
    """When a chore is due next; whoever pushes that time does it."""

    name = models.CharField(max_length=40, primary_key=True)
    due_at = models.DateTimeField(default=timezone.now)
    # Of the folding: new whenever a sum of the counters has changed.
    mark = models.UUIDField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return self.name
