"""What people choose where data ends. Nothing of it can hold a word about an applicant."""

from django import forms

from verifications.decision_forms import RequestKeyField, RevisionField
from verifications.models import HoldReason, ReleaseReason


def _reasons(choices: list[tuple[str, str]]) -> forms.ChoiceField:
    errors = {"required": "Choose why.", "invalid_choice": "Why: choose one from the list."}
    return forms.ChoiceField(label="Why", choices=choices, error_messages=errors)


class DisposeForm(forms.Form):
    agreed = forms.BooleanField(
        label="I have read what is erased. It cannot be brought back.",
        error_messages={"required": "Tick the box: what is erased cannot be brought back."},
    )
    seen_revision = RevisionField()
    request_key = RequestKeyField()


class HoldForm(forms.Form):
    reason = _reasons(HoldReason.choices)
    # A number of a case cannot be mistaken for a name.
    reference = forms.RegexField(
        r"^(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9./-]{0,39}$",
        label="Case number",
        required=False,
        error_messages={
            "invalid": "Case number: letters, digits, - . and / only, one digit at least, "
            "40 characters at most."
        },
    )


class ReleaseForm(forms.Form):
    reason = _reasons(ReleaseReason.choices)
