"""What a search string means."""

import unicodedata


def folded(text: str) -> str:
    """Lower case without diacritics, marks or invisible characters: what a search compares."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    kept = (c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf", "Cc"))
    return " ".join("".join(kept).split())
