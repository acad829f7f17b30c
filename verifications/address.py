"""What is asked of a list, as the query string of its links: the only state that a list has."""

from urllib.parse import urlencode

from django.http import QueryDict

POSITIONS = ("after", "before")


class Asked:
    """What was asked, without the place in the list. A link begins at the first page."""

    def __init__(self, query: QueryDict) -> None:
        given = {key: [value for value in values if value] for key, values in query.lists()}
        self.kept = {key: given[key] for key in given if given[key] and key not in POSITIONS}

    def link(self, *without: str, **added: str | list[str]) -> str:
        """The same without these keys, and with those: texts, or lists of them."""
        left = {key: values for key, values in self.kept.items() if key not in without}
        return urlencode(left | added, doseq=True)
