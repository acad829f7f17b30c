"""What a search string means."""

import re
import unicodedata
from collections.abc import Iterable

from django.db.models import Q

# Columns in which a whole search string may stand, as typed or in either case.
REFERENCES = ("scan_ref", "client_id", "external_ref")

SCAN_REF = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
# Lists show the first eight signs of it.
BEGINNING = re.compile(r"[0-9A-Fa-f]{8}[0-9A-Fa-f-]{0,27}")

# Letters that Unicode does not take apart, and signs that people type in several ways.
ALIKE = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "ŧ": "t",
        "ı": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "’": "'",
        "‘": "'",
        "ʼ": "'",
        "`": "'",
        "‐": "-",
        "–": "-",
    }
)
INVISIBLE = ("Mn", "Cf", "Cc")

# As long as the column that keeps it: some signs become many letters.
LONGEST = 1600
# What an index of words keeps: signs of a word, bytes of a suffix.
LONGEST_WORD, LONGEST_SUFFIX = 64, 32


def folded(text: str) -> str:
    """Lower case without diacritics, marks or invisible characters: what a search compares."""
    spaced = " ".join(text.split())
    decomposed = unicodedata.normalize("NFKD", spaced).casefold().translate(ALIKE)
    kept = (sign for sign in decomposed if unicodedata.category(sign) not in INVISIBLE)
    return " ".join("".join(kept).split())[:LONGEST]


def words(search_text: str) -> set[str]:
    """The words of a folded name. Long ones come in pieces, which overlap by a suffix's length."""
    step = LONGEST_WORD - LONGEST_SUFFIX
    return {
        word[start : start + LONGEST_WORD]
        for word in search_text.split()
        for start in range(0, max(len(word) - LONGEST_SUFFIX, 1), step)
    }


def suffixes(word: str) -> set[bytes]:
    """What begins with any fragment of the word, as far as it is kept."""
    return {word[start:].encode()[:LONGEST_SUFFIX] for start in range(len(word))}


def plain_number(text: str) -> str:
    """A document number however it was typed: upper case, letters and digits alone."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).upper()))


def is_scan_ref(text: str) -> bool:
    """By its form, which no document number has."""
    return SCAN_REF.fullmatch(text.strip()) is not None


def beginnings(text: str) -> list[str]:
    """Of a scan ref, as it is typed and as providers write them; none: it is no beginning."""
    text = text.strip()
    return list(dict.fromkeys((text, text.lower()))) if BEGINNING.fullmatch(text) else []


def references(text: str, number_hash: str = "") -> dict[str, list[str]]:
    """Column → the values by which this text would be found there as a whole.

    Document numbers are kept as keyed hashes: whoever has the key hands in that of the text.
    """
    text = text.strip()
    spellings = list(dict.fromkeys((text, text.upper(), text.lower())))
    columns = dict.fromkeys(REFERENCES, spellings) if text else {}
    return columns | ({"number_hash": [number_hash]} if number_hash else {})


def named(words: Iterable[object]) -> Q:
    """Each of these, folded, somewhere in the name."""
    return Q(*(Q(search_text__contains=word) for word in words)) or Q(pk=None)
