from django.db import models

from accounts.models import Partner


class DataKey(models.Model):
    """Opens what is sealed of one owner. Deleting this row erases all of that, in every copy."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    owner = models.CharField(max_length=100, help_text="scan/ and a scan ref, or what else it is.")
    wrapped = models.BinaryField()
    master = models.CharField(max_length=16, help_text="Which master key it is wrapped under.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "owner"], name="data_key_once_an_owner"),
        ]
        indexes = [models.Index(fields=["master", "id"], name="data_key_by_master")]

    def __str__(self) -> str:
        return f"{self.partner_id} {self.owner}"
