"""What is asked of a list, as the query string of its links: the only state that a list has."""

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

POSITIONS = ("after", "before")
# What mail programs and networks add to the links of a letter: it asks nothing of us.
ADDED = re.compile(r"utm_[a-z_]+|fbclid|gclid|msclkid|mc_cid|mc_eid")


class Asked:
    """What was asked, without the place in the list. A link begins at the first page."""

    def __init__(self, query: QueryDict) -> None:
        given = {key: [value for value in values if value] for key, values in query.lists()}
        self.kept = {
            key: values
            for key, values in given.items()
            if values and key not in POSITIONS and not ADDED.fullmatch(key)
        }
        self._written = {key: urlencode({key: it}, doseq=True) for key, it in self.kept.items()}

    def link(self, *without: str, **added: str | list[str]) -> str:
        """The same without these keys, and with those: texts, or lists of them."""
        gone = {*without, *added}
        left = [text for key, text in self._written.items() if key not in gone]
        more = [_written(key, *([it] if isinstance(it, str) else it)) for key, it in added.items()]
        return "&".join([*left, *more])


class QuestionForm(forms.Form):
    """Asked by an address. A key that it does not have is refused: it may be a filter mistyped,
    and to ignore one would show more than was asked for.
    """

    def add_prefix(self, field_name: str) -> str:
        """`from` is a word of Python's own: its field is called from_."""
        return super().add_prefix(field_name.removesuffix("_"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.strange:
            self.add_error(None, self.refusal)
        return cleaned

    @property
    def asked(self) -> list[tuple[str, str]]:
        """What was asked, in words; of a form that was checked."""
        given = [(self[name], field) for name, field in self.fields.items() if self[name].value()]
        chosen = [(bound, field) for bound, field in given if bound.name not in POSITIONS]
        return [(str(bound.label), _worded(field, bound.value())) for bound, field in chosen]

    @property
    def is_first(self) -> bool:
        """Whether the first page is asked for; of a form that was checked."""
        return not any(self.cleaned_data.get(name) for name in POSITIONS)

    @cached_property
    def strange(self) -> list[str]:
        """Keys that were given, and are none of the form's."""
        return unknown(self.data, map(self.add_prefix, type(self).base_fields))

    @property
    def refusal(self) -> str:
        return f"There is no filter called {quoted(self.strange)}."


def _worded(field: forms.Field, value: str) -> str:
    offered: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
    return str(dict(offered).get(value, value))


def unknown(query: Iterable[str], known: Iterable[str]) -> list[str]:
    own = {*known}
    return [key for key in query if key not in own and not ADDED.fullmatch(key)]


def quoted(keys: list[str]) -> str:
    """A few of them, each as far as it fits into a sentence."""
    return ", ".join(f"“{key[:60]}”" for key in keys[:3]) + (" and others" if keys[3:] else "")


@lru_cache(maxsize=256)
def _written(key: str, *values: str) -> str:
    """What our own links add: tabs, orders, places."""
    return urlencode({key: values}, doseq=True)
