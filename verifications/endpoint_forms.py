"""What Admins say of webhook endpoints, and what they ask of deliveries."""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from verifications import codes, transport
from verifications.address import QuestionForm
from verifications.decision_forms import RevisionField, StaffText
from verifications.fields import PositionField, ScanRefField
from verifications.models import DeliveryState
from verifications.webhooks import signing

LONGEST_ADDRESS = 500
MOST_HEADERS = 10
# Names that no public name server answers for.
LOCAL_NAMES = ("local", "localhost", "internal", "intranet", "home", "lan", "arpa", "onion")
NOT_PUBLIC = "Use an https address on the public internet."
TROUBLE = "trouble"


def event_choices() -> list[tuple[str, str]]:
    """The events that carry a body of the contract."""
    known = codes.families()["event_type"].values()
    return [(one.code, one.label) for one in known if one.code.startswith("IDENTIFICATION")]


class NameField(StaffText):
    """One line of text."""

    def to_python(self, value: Any) -> str:
        return " ".join((super().to_python(value) or "").split())


class AddressField(forms.CharField):
    """Looked at again when it is spoken to: names may come to lead elsewhere."""

    def clean(self, value: Any) -> str:
        address = super().clean(value)
        if len(address) > LONGEST_ADDRESS:
            raise forms.ValidationError(f"Use {LONGEST_ADDRESS} characters or fewer.")
        try:
            target = transport.read(address, allow_local=transport.allows_local())
        except transport.Forbidden as objection:
            raise forms.ValidationError(str(objection)) from None
        if not _may_be_public(target.host.strip("[]")):
            raise forms.ValidationError(NOT_PUBLIC)
        return address


def _may_be_public(host: str) -> bool:
    """Whether it can be, by how it is written; a name may still lead to a private address."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        *domain, last = host.split(".")
        if transport.allows_local() and last == "localhost":
            return True
        # A last part with a digit in front is another way to write an address.
        return bool(domain) and last not in LOCAL_NAMES and not last[:1].isdigit()
    return transport.is_public(ip) or (transport.allows_local() and ip.is_loopback)


class HeadersField(forms.CharField):
    """`Name: value`, one a line, as a dictionary."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> dict[str, str]:  # type: ignore[override]
        lines = str(value or "").replace("\r\n", "\n").split("\n")
        headers: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            if not line.strip(" "):
                continue
            name, _, text = line.partition(":")
            name, text = name.strip(" "), text.strip(" ")
            if sentence := self._objection(name, text, {known.lower() for known in headers}):
                raise forms.ValidationError(f"Line {number}: {sentence}")
            headers[name] = text
        if len(headers) > MOST_HEADERS:
            raise forms.ValidationError(f"Use {MOST_HEADERS} headers or fewer.")
        return headers

    @staticmethod
    def _objection(name: str, text: str, known: set[str]) -> str:
        if not signing.may_be_own(f"X-{name}", "x") or not name:
            return "write it as Name: value; names are letters, digits and hyphens."
        if not signing.may_be_own(name, "x"):
            return f"{name} is set by us."
        if not signing.may_be_own(name, text):
            return f"the value of {name} must be 1 to 500 printable ASCII characters."
        return f"{name} stands there twice." if name.lower() in known else ""


class EndpointForm(forms.Form):
    name = NameField(
        label="Name",
        max_length=100,
        widget=forms.TextInput,
        error_messages={"required": "Give it a name."},
    )
    address = AddressField(
        label="Address", error_messages={"required": "Say where messages should go."}
    )
    events = forms.MultipleChoiceField(
        label="Events",
        choices=event_choices,
        error_messages={
            "required": "Choose at least one event.",
            "invalid_choice": "Choose events from the list.",
        },
    )
    headers = HeadersField(label="Own headers", required=False)

    def wanted(self) -> dict[str, Any]:
        """Of a valid form: what may be chosen of an endpoint."""
        return {name: self.cleaned_data[name] for name in EndpointForm.base_fields}


class AddEndpointForm(EndpointForm):
    active = forms.BooleanField(label="Send to it at once", required=False)


class ChangeEndpointForm(EndpointForm):
    seen_revision = RevisionField()


class SeenForm(forms.Form):
    """A step that needs no words, on an endpoint as it was seen."""

    seen_revision = RevisionField()


def headers_as_text(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


class DeliveryPosition(PositionField):
    key = UUID


class DeliveryFilterForm(QuestionForm):
    q = ScanRefField()
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Any"), (TROUBLE, "In trouble"), *DeliveryState.choices],
        error_messages={"invalid_choice": "State: choose one from the list."},
    )
    code = forms.RegexField(
        r"^([1-5][0-9]{2}|none)$",
        label="Last answer",
        required=False,
        error_messages={"invalid": "Last answer: a code from 100 to 599, or “none”."},
    )
    endpoint = forms.ChoiceField(
        label="Endpoint",
        required=False,
        error_messages={"invalid_choice": "Endpoint: choose one from the list."},
    )
    after = DeliveryPosition(label="Page", required=False)
    before = DeliveryPosition(label="Page", required=False)

    def __init__(
        self,
        query: QueryDict,
        *,
        endpoints: Sequence[tuple[str, str]],
        called: Callable[[str], QuerySet],
    ) -> None:
        super().__init__(query, auto_id="f-%s")
        self.fields["q"].find = called  # type: ignore[attr-defined]
        self.query = query
        field = self.fields["endpoint"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = [("", "Any"), *endpoints]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name, field in self.fields.items():
            if len(self.query.getlist(name)) > 1:
                self.add_error(name, f"{field.label} was given twice.")
        if cleaned.get("after") and cleaned.get("before"):
            self.add_error("after", "A page lies after a position or before it, not both.")
        return cleaned


class UndoTimeForm(forms.Form):
    """Seconds for which a decision waits: ASCII digits, 0 to 60."""

    undo_seconds = forms.RegexField(
        r"^(?:[0-9]|[1-5][0-9]|60)$",
        label="Undo",
        error_messages={
            "invalid": "Choose 0 to 60 seconds.",
            "required": "Choose 0 to 60 seconds.",
        },
    )
    seen_revision = RevisionField()

    def clean_undo_seconds(self) -> int:
        return int(self.cleaned_data["undo_seconds"])
