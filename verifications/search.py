"""What a search string means."""

import unicodedata

from django.db.models import Q

# Columns in which a whole search string may stand, as stored or in capitals.
REFERENCES = ("scan_ref", "client_id", "external_ref", "document_number")


def folded(text: str) -> str:
    """Lower case without diacritics, marks or invisible characters: what a search compares."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = (c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf", "Cc"))
    return " ".join("".join(kept).split())


def matching(text: str) -> Q:
    """A reference by equality, or every word of the text somewhere in the name."""
    text = text.strip()
    found = Q()
    for column in REFERENCES:
        found |= Q(**{f"{column}__in": {text, text.upper()}})
    words = folded(text).split()
    if words:
        found |= Q(*(Q(search_text__contains=word) for word in words))
    return found
