"""From what a report says to its file. Knows no model.

It is set in a child process with limits on memory and time, as a stranger's picture is decoded: the
web process grows by nothing, and whatever came in costs a few seconds at most.
"""

import json
import logging
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from django.conf import settings

from verifications import children
from verifications.report import fonts

logger = logging.getLogger(__name__)

TEMPLATE = settings.BASE_DIR / "templates" / "verifications" / "report.typ"
TYPESETTER = "verifications.report.typesetter"
SECONDS = 30
PRESS, PLACES = BoundedSemaphore(1), BoundedSemaphore(2)
PATIENCE = 1.0
# How it ends for what it was given: refused, or more than its share of the processor or of memory.
TOO_MUCH = (1, -signal.SIGXCPU, -signal.SIGABRT)
# One text is cut here, whatever it is of, and a title earlier: readers of PDF list them. What is
# short is cut when there is as much again as there may be.
LONGEST, LONGEST_TITLE, SHORT = 4_000, 300, 100
# The beginning of a sign's number.
CUT_APART = re.compile(r"\[U?\+?[0-9A-F]*$")


class Manner(NamedTuple):
    """How texts are spelled, and how many signs there may be of all of them, once spelled."""

    spell: Callable[[str], str]
    most: int


AS_IT_CAME = Manner(fonts.spelled, 60_000)
# For signs that there are and that combine in no font, and for what takes too long.
PLAINLY = Manner(fonts.spelled_out, 20_000)


class Busy(Exception):
    """Others are being set."""


class Unprintable(Exception):
    """Not even plainly."""


class Interrupted(Exception):
    """By nothing that it says: the next try may well do."""


class Copy:
    """What is printed: every text as it can be drawn, and no longer than fits."""

    def __init__(self, manner: Manner) -> None:
        self.spell, self.most = manner
        self.left = self.most
        self.is_spelled = self.is_cut = False

    def of(self, value: Any, most: int = LONGEST) -> Any:
        if isinstance(value, dict):
            return {
                key: self.of(one, LONGEST_TITLE if key == "title" else LONGEST)
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [self.of(one) for one in value]
        return self._text(value, most) if isinstance(value, str) else value

    def _text(self, text: str, most: int) -> str:
        room = min(most, max(self.left, self.least))
        lines = text[:room].replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        drawn = self.spell(lines)
        self.is_spelled |= drawn != fonts.composed(lines)
        if len(text) > room or len(drawn) > room:
            self.is_cut, drawn = True, f"{CUT_APART.sub('', drawn[:room])}…"
        self.left -= len(drawn)
        return drawn

    @property
    def least(self) -> int:
        return SHORT if self.left > -self.most else 0


@contextmanager
def turn() -> Iterator[None]:
    """Of each web process one at a time. One more waits; others hear at once, for who waits keeps
    a thread from the pages of everybody. Raises Busy.
    """
    if not PLACES.acquire(blocking=False):
        raise Busy
    try:
        if not PRESS.acquire(timeout=PATIENCE):
            raise Busy
        try:
            yield
        finally:
            PRESS.release()
    finally:
        PLACES.release()


def printed(content: dict[str, Any], *, country: str, at: datetime) -> bytes:
    """The same content, country and moment always make the same bytes. Raises Unprintable or
    Interrupted.
    """
    for manner in (AS_IT_CAME, PLAINLY):
        copy = Copy(manner)
        said = copy.of(content)
        told = {"families": fonts.families(country), "spelled": copy.is_spelled, "cut": copy.is_cut}
        if written := _set({**said, **told}, at):
            return written
    raise Unprintable


def _set(content: dict[str, Any], at: datetime) -> bytes | None:
    """None where it is for what the content is. Raises Interrupted."""
    told = {
        "template": str(TEMPLATE),
        "folder": str(TEMPLATE.parent),
        "fonts": fonts.FOLDERS,
        "content": content,
        "at": int(at.timestamp()),
    }
    try:
        child = children.run(TYPESETTER, json.dumps(told).encode(), seconds=SECONDS)
    except (subprocess.TimeoutExpired, OSError) as problem:
        raise Interrupted(type(problem).__name__) from None
    if child.returncode == 0:
        return child.stdout
    if child.returncode not in TOO_MUCH:
        raise Interrupted(f"it ended with {child.returncode}")
    logger.warning("report not set as it came: %s", child.returncode)
    return None
