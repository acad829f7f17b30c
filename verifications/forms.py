"""What people ask of lists. Knows no model: choices are handed in.

The query string is the only state. What cannot be understood is refused, never ignored: ignoring a
filter would show more than was asked for.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from verifications import codes, keyset
from verifications.address import QuestionForm
from verifications.fields import ChoiceField, CodeField, Pairs, PlainDate, PositionField
from verifications.statuses import Status

PRESETS = (
    ("today", "Today", 0),
    ("7d", "Last 7 days", 6),
    ("30d", "Last 30 days", 29),
    ("90d", "Last 90 days", 89),
)
COUNTRY = re.compile(r"[A-Z]{2}")
YES_NO = (("yes", "Yes"), ("no", "No"))


@dataclass(frozen=True)
class Filters:
    """A cleaned question; what is empty does not restrict.

    `number_hash` is what `q` comes to as a document number: the form has no key for that.
    """

    q: str = ""
    number_hash: str = ""
    status: Sequence[str] = ()
    suspected: bool | None = None
    final: bool | None = None
    started_from: datetime | None = None
    started_before: datetime | None = None
    document_type: str = ""
    country: str = ""
    platform: str = ""
    review: str = ""
    tag: str = ""
    decided_by: int | None = None
    reason: str = ""
    oldest_first: bool = False
    after: keyset.Position | None = None
    before: keyset.Position | None = None

    def beside_tabs(self) -> "Filters":
        """The question without what a tab of the list chooses, and without order and place."""
        return replace(self, status=(), suspected=None, oldest_first=False, after=None, before=None)


def _choice(label: str, choices: Pairs, none: str = "Any") -> ChoiceField:
    choices = [("", none), *choices] if none else choices
    field_ = ChoiceField(label=label, required=False, choices=choices)
    field_.error_messages["invalid_choice"] = f"{label}: choose one from the list."
    return field_


def _pairs(field_: forms.ChoiceField) -> list[tuple[str, str]]:
    choices: Any = field_.choices
    return list(choices)


def _known(*families: str) -> list[tuple[str, str]]:
    known = [code for family in families for code in codes.families()[family].values()]
    return sorted(((code.code, code.label) for code in known), key=lambda pair: pair[1])


class FilterForm(QuestionForm):
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search"}),
        error_messages={"max_length": "Search for 100 characters or fewer."},
    )
    status = forms.MultipleChoiceField(
        label="Status",
        required=False,
        choices=Status.choices,
        error_messages={"invalid_choice": "Status: choose one from the list."},
    )
    suspected = _choice("Suspected", YES_NO)
    final = _choice("Final", YES_NO)
    started = _choice("Started", [(key, label) for key, label, _ in PRESETS], "Any time")
    from_ = PlainDate(label="From", required=False)
    to = PlainDate(label="To", required=False)
    document_type = CodeField("Document type", _known("doc_type"))
    country = CodeField("Issuing country", _known("country"), COUNTRY)
    platform = CodeField("Platform", _known("platform"))
    review = _choice("Review", (("AUTOMATIC", "Automatic"), ("MANUAL", "Manual")))
    tag = CodeField("Tag", _known("mismatch_tag", "fraud_tag"))
    decided_by = _choice("Decided by", (), "Anyone")
    reason = CodeField("Rejection reason")
    order = _choice("Order", (("newest", "Newest first"), ("oldest", "Oldest first")), "")
    after = PositionField(label="Page", required=False)
    before = PositionField(label="Page", required=False)

    SEVERAL = frozenset({"status"})
    PASSING = frozenset({"q", "after", "before"})

    def __init__(
        self,
        query: QueryDict,
        *,
        people: Sequence[tuple[str, str]],
        reasons: Sequence[tuple[str, str]],
        today: date,
        is_whole: bool = True,
    ) -> None:
        """Not whole: with the fields that are asked for, which is all that its reader needs."""
        if not is_whole:
            fields = self.base_fields.items()
            asked = {name: it for name, it in fields if self.add_prefix(name) in query}
            self.base_fields = asked  # type: ignore[misc]
        super().__init__(query, auto_id="f-%s")
        self.query = query
        self.today = today
        self._offer("decided_by", people)
        self._offer("reason", reasons)
        for name, field_ in self.fields.items():
            if isinstance(field_, CodeField) and (value := self._unknown(name, field_)):
                self._offer(name, [(value, value)])

    def _offer(self, name: str, more: Sequence[tuple[str, str]]) -> None:
        if not more or name not in self.fields:
            return
        field_ = self.fields[name]
        assert isinstance(field_, forms.ChoiceField)  # noqa: S101
        field_.choices = [*_pairs(field_), *more]

    def _unknown(self, name: str, field_: CodeField) -> str:
        """What is asked for without being offered, so that the form shows it."""
        given = self.query.get(name, "")
        return "" if not given or given in dict(_pairs(field_)) else given

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._keep_unreadable_days()
        for name in self.fields:
            key = self.add_prefix(name)
            if name not in self.SEVERAL and len(self.query.getlist(key)) > 1:
                self.add_error(name, f"{key} was given twice.")
        start, end = cleaned.get("from_"), cleaned.get("to")
        if start and end and start > end:
            self.add_error("from_", "From is after To.")
        if cleaned.get("started") and (start or end):
            self.add_error("started", "Choose either a period or From and To.")
        if cleaned.get("after") and cleaned.get("before"):
            self.add_error("after", "A page lies after a position or before it, not both.")
        return cleaned

    def _keep_unreadable_days(self) -> None:
        """A date picker shows nothing of what is no date."""
        for name in ("from_", "to"):
            if name in self.errors:
                self.fields[name].widget = forms.TextInput()

    def lasting(self) -> str:
        """The question as it is saved: not what is typed to search for, which may be an
        applicant's name, nor a place in the list. Empty: nothing is left of it.
        """
        keys = map(self.add_prefix, sorted(self.fields.keys() - self.PASSING))
        given = {key: sorted({*self.query.getlist(key)} - {""}) for key in keys}
        if given.get("order") == ["newest"]:
            del given["order"]
        return urlencode(given, doseq=True)

    def filters(self) -> Filters:
        """Of a valid form."""
        given = defaultdict(str, self.cleaned_data)
        start, end = self._period()
        return Filters(
            q=given["q"],
            status=given["status"] or (),
            suspected=_yes(given["suspected"]),
            final=_yes(given["final"]),
            started_from=start,
            started_before=end,
            document_type=given["document_type"],
            country=given["country"],
            platform=given["platform"],
            review=given["review"],
            tag=given["tag"],
            decided_by=int(given["decided_by"]) if given["decided_by"] else None,
            reason=given["reason"],
            oldest_first=given["order"] == "oldest",
            after=given["after"] or None,
            before=given["before"] or None,
        )

    def told(self) -> list[str]:
        """What a valid form asks for, fit for the audit log: of a text that somebody thought of
        only that there was one, as it may be a name.
        """
        asked = {
            name: [it for it in self.query.getlist(self.add_prefix(name)) if it]
            for name, field_ in self.fields.items()
            if not isinstance(field_, PositionField)
        }
        return [self._told(name, values) for name, values in asked.items() if values]

    def _told(self, name: str, values: list[str]) -> str:
        field_, key = self.fields[name], self.add_prefix(name)
        offered = dict(_pairs(field_)) if isinstance(field_, forms.ChoiceField) else {}
        is_known = all(offered.get(value, value) != value for value in values)
        is_plain = is_known or isinstance(field_, PlainDate)
        return f"{key}={','.join(values)}" if is_plain else key

    def _period(self) -> tuple[datetime | None, datetime | None]:
        given = self.cleaned_data
        start, end = given.get("from_"), given.get("to")
        for key, _, days in PRESETS:
            if given.get("started") == key:
                start, end = self.today - timedelta(days=days), self.today
        return keyset.midnights(start, end)


def _yes(answer: str) -> bool | None:
    return {"yes": True, "no": False}.get(answer)
