"""A request as the program takes it: also one whose Content-Type nobody can understand."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.wsgi import WSGIRequest


class Request(WSGIRequest):
    """Django's own ends where it is made, before any middleware could answer it."""

    is_garbled = False

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (ValueError, LookupError, SuspiciousOperation):
            # A charset that is none, one that reads no text, or a query that it reads as too much.
            self.is_garbled, self._encoding = True, None
            self.content_type, self.content_params = "", {}
