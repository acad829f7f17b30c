"""Seeded random requests; each is taken back before the next, so that one alone can be repeated."""

import json
import traceback
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes

from accounts.models import Role
from tests import factories
from tests.fuzz import atoms
from tests.fuzz.walk import Walker
from tests.fuzz.world import PLACE, ROLES, World, patterns
from verifications.callbacks import provider

GOOD = {
    "request_key": "6f1d0d0e-0000-4000-8000-000000000001",
    "note": "A note.",
    "reasons": "OTHER",
    "internal_note": "Said on the telephone.",
    "name": "Main",
    "events": "IDENTIFICATION_MANUAL_FINISHED",
    "address": "https://hooks.partner.example/x",
    "password": factories.PASSWORD,
    "login": "ada@northbank.example",
    "email": "nia@new.example",
    "why": "Asked for on the telephone.",
    "reason": "Asked for on the telephone.",
    "undo_seconds": "20",
}
# So often everybody signs in anew: a long run must not end as one of people whose time is over.
FRESH_EVERY = 1000
OTHER_VERBS = ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get"]


@dataclass
class Asked:
    """One request, as it can be sent again: `Walker.asked(role, method, path, ...)`."""

    role: str
    method: str
    path: str
    pattern: str = ""
    data: bytes = b""
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


class Fuzz:
    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random, self.patterns = world, Random(seed), patterns()
        self.walker = Walker(world)
        self.roles = list(Role.objects.values_list("pk", flat=True))
        self.answers: Counter[int] = Counter()
        # One line a request, alike on every engine: addresses hold keys that are of one run only.
        self.told: list[str] = []
        self.sample = factories.sample("07")[1]

    def run(self, requests: int) -> list[str]:
        """Failures, each with the request that made it."""
        return [failure for _ in range(requests) if (failure := self._ask(self.asked()))]

    def _ask(self, it: Asked) -> str:
        if self.told and len(self.told) % FRESH_EVERY == 0:
            self.walker = Walker(self.world)
        more = {"data": it.data, "content_type": it.content_type, **it.headers}
        with self.walker.asked(it.role, it.method, it.path, **more) as answer:
            self.answers[answer.status_code] += 1
            self.told.append(f"{answer.status_code} {it.role} {it.method} {it.pattern}")
            if answer.status_code < 500:
                return ""
            why = getattr(answer, "exc_info", None)
            trace = traceback.format_exception(*why)[-3:] if why else []
            return f"{answer.status_code} for {it!r}\n{''.join(trace)}"

    def asked(self) -> Asked:
        choose = self.random.random
        pattern = self.random.choice(self.patterns)
        role = "support" if pattern.startswith("admin/") else "admin"
        role = role if choose() < 0.7 else self.random.choice(ROLES)
        way = choose()
        verb = "GET" if way < 0.5 else "POST" if way < 0.9 else self.random.choice(OTHER_VERBS)
        path = self._path(pattern)
        if choose() < 0.6 or verb == "GET":
            path += "?" + self._form(3)
        it = Asked(role, verb, path, pattern, headers=self._headers())
        if verb != "GET":
            self._fill(it, pattern)
        return it

    def _path(self, pattern: str) -> str:
        if self.random.random() < 0.6 or not PLACE.search(pattern):
            return self.world.path(pattern)
        return "/" + PLACE.sub(lambda _: self._encoded(), pattern)

    def _encoded(self) -> str:
        if self.random.random() < 0.15:
            return self.random.choice(atoms.RAW)
        text = self.random.choice(atoms.TEXTS)
        return quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe="")

    def _form(self, most: int) -> str:
        names = self.random.choices(atoms.NAMES, k=self.random.randint(0, most))
        return "&".join(f"{name}={self._encoded()}" for name in names)

    def _headers(self) -> dict[str, str]:
        if self.random.random() < 0.8:
            return {}
        text = self.random.choice(atoms.TEXTS).encode("utf-8", "surrogatepass").decode("latin-1")
        return {self.random.choice(atoms.HEADERS): text}

    def _fill(self, it: Asked, pattern: str) -> None:
        if pattern.startswith("callbacks/") and self.random.random() < 0.8:
            self._sign(it)
            return
        it.content_type = self.random.choice(atoms.KINDS)
        if self.random.random() < 0.6:
            it.content_type = atoms.KINDS[0]
        if it.content_type.startswith("multipart"):
            self._multipart(it)
        elif it.content_type == "application/json":
            it.data = atoms.broken_json(self.random, self.sample)
        else:
            it.data = self._mostly_good().encode()

    def _mostly_good(self) -> str:
        """What a form would send, with some of it replaced."""
        fields: dict[str, Any] = {**GOOD, "seen_revision": self.world.mine.revision}
        fields["role"] = self.random.choice(self.roles)
        kept = [f"{name}={value}" for name, value in fields.items() if self.random.random() < 0.7]
        return "&".join([*kept, self._form(5)])

    def _multipart(self, it: Asked) -> None:
        it.content_type += "" if "boundary" in it.content_type else "; boundary=b"
        name, text = self.random.choice(atoms.NAMES), self.random.choice(atoms.TEXTS)
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"'
        if self.random.random() < 0.3:
            head += f'; filename="{text[:50]}"\r\nContent-Transfer-Encoding: base64'
        whole = f"{head}\r\n\r\n{text}\r\n--b--\r\n".encode("utf-8", "surrogatepass")
        it.data = whole[: self.random.randint(0, len(whole))]

    def _sign(self, it: Asked) -> None:
        it.data = atoms.broken_json(self.random, self.sample)
        it.content_type = "application/json"
        it.headers["HTTP_IDENFY_SIGNATURE"] = provider.signature(
            self.world.northbank.callback_key, it.data
        )
        event = self.random.choice(["IDENTIFICATION", "IDENTIFICATION_AUTO_FINISHED", "X", ""])
        it.headers["HTTP_IDENFY_EVENT_TYPE"] = event


def told(answers: Counter[int]) -> str:
    return json.dumps({str(status): count for status, count in sorted(answers.items())})
