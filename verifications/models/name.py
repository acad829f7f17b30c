"""Where the words of names occur: what finds a fragment without reading every name.

A fragment anywhere in a word is the beginning of one of its suffixes, so it is a range. Written
by `names.keeping` only; all of it follows from `search_text` and can be made again.
"""

from django.db import models

from accounts.models import Partner
from verifications.models.verification import Verification
from verifications.search import LONGEST_SUFFIX, LONGEST_WORD


class NameWord(models.Model):
    """A word that occurs in a name of the partner's applicants; gone with its last use."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    word = models.CharField(max_length=LONGEST_WORD)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "word"], name="name_word_once"),
        ]

    def __str__(self) -> str:
        return self.word


class NameSuffix(models.Model):
    """A word from one of its signs onwards, cut short, in UTF-8: bytes sort alike everywhere."""

    pk = models.CompositePrimaryKey("partner", "suffix", "word")
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    suffix = models.BinaryField(max_length=LONGEST_SUFFIX)
    word = models.ForeignKey(NameWord, on_delete=models.CASCADE, related_name="suffixes")

    def __str__(self) -> str:
        return bytes(self.suffix).decode(errors="replace")


BESIDE_ANOTHER = (
    "NOT EXISTS (SELECT 1 FROM verifications_verification it"
    " JOIN verifications_nameword its ON its.partner_id = it.partner_id"
    " WHERE it.id = NEW.verification_id AND it.started_at = NEW.started_at"
    " AND its.id = NEW.word_id)"
)


class NameUse(models.Model):
    """A verification in whose name the word occurs; its moment never changes.

    The key is the index by which the newest uses of a word are read.
    """

    guards = {
        "stands_beside": (
            "INSERT",
            BESIDE_ANOTHER,
            "word and moment are those of the verification",
        ),
    }

    pk = models.CompositePrimaryKey("word", "started_at", "verification")
    word = models.ForeignKey(
        NameWord, on_delete=models.PROTECT, related_name="uses", db_index=False
    )
    started_at = models.DateTimeField()
    verification = models.ForeignKey(
        Verification, on_delete=models.CASCADE, related_name="name_uses"
    )

    def __str__(self) -> str:
        return f"{self.word_id} {self.verification_id}"
