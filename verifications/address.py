"""What is asked of a list, as the query string of its links: the only state that a list has."""

from functools import lru_cache
from urllib.parse import urlencode

from django.http import QueryDict

POSITIONS = ("after", "before")


class Asked:
    """What was asked, without the place in the list. A link begins at the first page."""

    def __init__(self, query: QueryDict) -> None:
        given = {key: [value for value in values if value] for key, values in query.lists()}
        self.kept = {key: given[key] for key in given if given[key] and key not in POSITIONS}
        self._written = {key: urlencode({key: it}, doseq=True) for key, it in self.kept.items()}

    def link(self, *without: str, **added: str | list[str]) -> str:
        """The same without these keys, and with those: texts, or lists of them."""
        gone = {*without, *added}
        left = [text for key, text in self._written.items() if key not in gone]
        more = [_written(key, *([it] if isinstance(it, str) else it)) for key, it in added.items()]
        return "&".join([*left, *more])


@lru_cache(maxsize=256)
def _written(key: str, *values: str) -> str:
    """What our own links add: tabs, orders, places."""
    return urlencode({key: values}, doseq=True)
