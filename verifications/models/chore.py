from django.db import models
from django.utils import timezone


class Chore(models.Model):
    """When a chore is due next; whoever pushes that time does it."""

    name = models.CharField(max_length=40, primary_key=True)
    due_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
