import unicodedata
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from accounts.models import Membership

MOST = 20
LONGEST_NAME = 60


def folded(name: str) -> str:
    """What names are told apart by: neither by case, nor by how a letter or a gap is written."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class SavedView(models.Model):
    """A question of the list that somebody asks often at a partner, under a name of their own."""

    membership = models.ForeignKey(
        Membership, on_delete=models.CASCADE, related_name="saved_views", db_index=False
    )
    name = models.CharField(max_length=LONGEST_NAME)
    # A single sign may become eighteen.
    folded = models.CharField(max_length=18 * LONGEST_NAME, editable=False)
    query = models.CharField(max_length=1000)
    # Counted from 1; shows nowhere. It is how the database keeps them few.
    place = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["folded"]
        constraints = [
            models.UniqueConstraint(fields=["membership", "folded"], name="saved_view_name_once"),
            models.UniqueConstraint(fields=["membership", "query"], name="saved_view_query_once"),
            models.UniqueConstraint(fields=["membership", "place"], name="saved_view_place_once"),
            models.CheckConstraint(condition=Q(place__range=(1, MOST)), name="saved_view_is_few"),
            models.CheckConstraint(condition=~Q(folded=""), name="saved_view_has_name"),
            models.CheckConstraint(condition=~Q(query=""), name="saved_view_asks_something"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("name"), LONGEST_NAME),
                name="saved_view_name_is_short",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.folded = folded(self.name)
        super().save(*args, **kwargs)
