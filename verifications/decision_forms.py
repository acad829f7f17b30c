"""What staff type. Knows no model: choices are handed in."""

import re
import unicodedata
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from django import forms

TEXT_LIMIT = 4000
# Direction controls, zero-width signs and C0/C1 controls: what a reader cannot see. Not those that
# join or part letters, as Persian is written, and signs, as emoji are.
HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
DAMAGED = "This form was damaged on its way. Open it afresh; nothing was changed."


class Offered(Protocol):
    code: str
    label: str
    needs_note: bool


class StaffText(forms.CharField):
    """Text that people write: up to 4,000 characters, lines allowed, nothing hidden in it."""

    def __init__(self, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 3})
        super().__init__(**{"max_length": TEXT_LIMIT, "widget": widget, **options})
        self.error_messages["max_length"] = (
            "Use %(limit_value)s characters or fewer (now %(show_value)s)."
        )

    def to_python(self, value: Any) -> str | None:
        text = unicodedata.normalize("NFC", str(value or "")).replace("\r\n", "\n")
        if hidden := HIDDEN.search(text):
            place, code = hidden.start() + 1, ord(hidden.group())
            raise forms.ValidationError(
                f"Remove the hidden character U+{code:04X} at position {place}."
            )
        return super().to_python(text)


class RevisionField(forms.CharField):
    """The revision that the page was drawn with: ASCII digits only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.HiddenInput, **options)
        self.error_messages["required"] = DAMAGED

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise forms.ValidationError(DAMAGED)
        return int(text)


class RequestKeyField(forms.UUIDField):
    """Made with the page: the same request twice makes one decision."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=forms.HiddenInput, **options)
        self.error_messages |= {"required": DAMAGED, "invalid": DAMAGED}


class DecisionForm(forms.Form):
    """Approve or Deny, as the confirm page posts it."""

    message_to_applicant = StaffText(required=False, label="Message to the applicant")
    internal_note = StaffText(required=False, label="Internal note")
    seen_revision = RevisionField()
    request_key = RequestKeyField()
    preview_digest = forms.RegexField(r"^[0-9a-f]{64}$", required=False)


class DenyForm(DecisionForm):
    reasons = forms.MultipleChoiceField(
        label="Reasons",
        error_messages={
            "required": "Choose at least one reason.",
            "invalid_choice": "“%(value)s” is not among the reasons any more. Choose again.",
        },
    )

    def __init__(self, *args: Any, offered: Sequence[Offered], **options: Any) -> None:
        super().__init__(*args, **options)
        self.offered = {reason.code: reason for reason in offered}
        field = self.fields["reasons"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101
        field.choices = [(reason.code, reason.label) for reason in offered]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = [self.offered[code] for code in cleaned.get("reasons", [])]
        asking = [reason for reason in chosen if reason.needs_note]
        if asking and not cleaned.get("internal_note") and "internal_note" not in self.errors:
            self.add_error(
                "internal_note", f"Say more: “{asking[0].label}” needs an internal note."
            )
        return cleaned


class NoteForm(forms.Form):
    note = StaffText(label="Note", error_messages={"required": "Write something first."})
    request_key = RequestKeyField()


class RemoveTagForm(forms.Form):
    seen_revision = RevisionField()


class UndoForm(forms.Form):
    decision = forms.UUIDField(error_messages={"required": DAMAGED, "invalid": DAMAGED})
    request_key = RequestKeyField()


def new_request_key() -> uuid.UUID:
    return uuid.uuid4()
