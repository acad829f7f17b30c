"""Forms that know from which state of a row they were drawn, and never save over a newer one."""

import hashlib
import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.models import model_to_dict
from django.utils import timezone

from accounts.fields import CheckedIfNew, EmailField, PlainNameField
from accounts.models import AuditEntry, User, names_of
from accounts.partners import LONGEST_REASON, SHORTEST_REASON


def plain(value: Any) -> str:
    """A field's value for the audit log: rows by their numbers, the rest as text."""
    if isinstance(value, list | QuerySet):
        return ",".join(sorted(plain(item) for item in value))
    return str(value.pk if isinstance(value, Model) else "" if value is None else value)


def reason_field(help_text: str) -> forms.CharField:
    """Why, in words that stay in the audit log; which changes need it is for the form to say."""
    return forms.CharField(
        required=False,
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=help_text,
    )


class SupportForm(forms.ModelForm):
    """`stored` is the row as the database has it, locked until the form is saved."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    # Set by the admin class that draws the form.
    model_admin: Any
    asked_by: User

    class Meta:
        field_classes = {"name": PlainNameField, "email": EmailField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored: Any = None
        self.is_stale = False
        for name, field in self.fields.items():
            if isinstance(field, CheckedIfNew):
                field.stands = getattr(self.instance, name, "")
        if self.instance.pk and not self.instance._state.adding:
            self.initial["seen"] = self.version_of(self.instance)

    def version_of(self, row: Any) -> str:
        """Its revision; where a row has none, a digest of what the form can change."""
        if revision := getattr(row, "revision", None):
            return str(revision)
        values = model_to_dict(row, fields=list(self.fields))
        text = json.dumps({name: plain(value) for name, value in values.items()})
        return hashlib.sha256(text.encode()).hexdigest()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            rows = type(self.instance)._default_manager.select_for_update()
            self.stored = rows.get(pk=self.instance.pk)
            if self.version_of(self.stored) != cleaned.get("seen"):
                self.is_stale = True
                raise ValidationError(self._who_was_first(), code="stale")
        return cleaned

    def _who_was_first(self) -> str:
        entry = self.model_admin.last_change(self.stored)
        return (
            f"{told_by(entry) if entry else 'Somebody changed this meanwhile'}. "
            "Nothing was saved; what you typed is still here. Open the page afresh in another "
            "tab, compare, and type again what is still right."
        )

    @property
    def problems(self) -> list[str]:
        """What is wrong with the whole."""
        return [str(problem) for problem in self.non_field_errors()]

    @property
    def answer(self) -> int:
        """The status of the page that shows this form."""
        if self.is_stale:
            return 409
        return 422 if self.is_bound and self.errors else 200

    def facts(self, private: frozenset[str]) -> dict[str, Any]:
        """What was changed: from and to, or that it was, where a person is told of."""
        fields = {field.name: field for field in self.instance._meta.get_fields()}
        return {
            getattr(fields[name], "attname", name): "changed"
            if name in private
            else [plain(self.initial.get(name)), plain(self.cleaned_data[name])]
            for name in self.changed_data
            if name in fields
        }


def told_by(entry: AuditEntry) -> str:
    """Who, when and what, in half a sentence."""
    who = names_of([entry.actor or 0]).get(entry.actor or 0, "The system")
    told = (name.removesuffix("_id") for name in entry.facts if name not in ("reason", "user"))
    what = ", ".join(name.replace("_", " ") for name in told)
    at = timezone.localtime(entry.at)
    return f"{who} changed this on {at:%-d %B %Y at %H:%M:%S} ({what})"
