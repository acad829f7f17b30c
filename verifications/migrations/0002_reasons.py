import json
from pathlib import Path

from django.db import migrations

CATALOGUE = Path(__file__).parent.parent / "wire" / "deny-reasons.json"
SETS = {None: "", "manualDocument": "manual_document", "manualFace": "manual_face"}


def seed_reasons(apps, schema_editor):
    Reason = apps.get_model("verifications", "RejectionReason")
    for reason in json.loads(CATALOGUE.read_text(encoding="utf-8"))["reasons"]:
        Reason.objects.get_or_create(
            code=reason["code"],
            partner=None,
            defaults={
                "label": reason["label"],
                "group": reason["group"],
                "sets": SETS[reason["sets"]],
                "needs_note": reason["requires_comment"],
                "order": reason["order"],
            },
        )


class Migration(migrations.Migration):
    dependencies = [("verifications", "0001_initial")]
    operations = [migrations.RunPython(seed_reasons, migrations.RunPython.noop)]
