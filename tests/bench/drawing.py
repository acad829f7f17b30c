"""One verification as it is drawn: the body that would have come in, and what people did then."""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, NamedTuple

from accounts.models import Membership, Partner
from tests.bench import names
from verifications.callbacks import provider
from verifications.demo import samples
from verifications.models import RejectionReason, WebhookEndpoint
from verifications.statuses import ARROWS, Action, Standing, Status

DAYS = 730
# What is still open came in lately; what is gone came in long ago.
LATELY, LONG_AGO = 0.98, 0.15
PLATFORMS = {"MOBILE": 55, "PC": 24, "MOBILE_APP": 12, "TABLET": 6, "MOBILE_SDK": 2, "OTHER": 1}
DOCUMENTS = {"ID_CARD": 48, "PASSPORT": 30, "DRIVER_LICENSE": 17, "RESIDENCE_PERMIT": 4, "OTHER": 1}
MISMATCHES = {"NAME": 40, "FULL_NAME": 18, "DOCUMENT_NUMBER": 14, "DATE_OF_BIRTH": 12}
MISMATCHES |= {"SURNAME": 10, "UNDER_AGE": 5, "SEX": 1}
FRAUDS = {"FACE_SUSPECTED": 30, "DUPLICATE_FACE": 24, "VIRTUAL_CAMERA": 14, "AML_SUSPECTION": 6}
FRAUDS |= {"LID_SUSPECTION": 3, "DATA_IN_BLACKLIST": 1}
FAULTS = {"DOC_FAKE": 3, "DOC_NOT_FULLY_VISIBLE": 9, "DOC_TOO_BLURRY": 7, "MRZ_INVALID": 1}
FACES = {"FACE_MISMATCH": 12, "NO_FACE_FOUND": 5, "FAKE_FACE": 2}


class Kind(NamedTuple):
    """What the provider found: the word it sends, and after which sample the body is made."""

    overall: str
    sample: str
    event: str = "IDENTIFICATION_AUTO_FINISHED"


APPROVED = Kind("APPROVED", "01")
BY_HAND = Kind("APPROVED", "14", "IDENTIFICATION_MANUAL_FINISHED")
DENIED = Kind("DENIED", "03")
SUSPECTED = Kind("SUSPECTED", "07")
REVIEWING = Kind("REVIEWING", "25")
EXPIRED = Kind("EXPIRED", "05", "IDENTIFICATION_EXPIRED")
GONE = [Kind(status, "05", "IDENTIFICATION_EXPIRED") for status in ("ARCHIVED", "EXPIRED-DELETED")]
USUALLY = {APPROVED: 70, BY_HAND: 6, DENIED: 12, SUSPECTED: 5, EXPIRED: 7}
NEWEST = {APPROVED: 48, DENIED: 9, SUSPECTED: 9, REVIEWING: 28, EXPIRED: 6}
OLDEST = {**USUALLY, **dict.fromkeys(GONE, 2)}


@cache
def _status(sample: str) -> dict[str, Any]:
    return samples.body(sample)["status"]


@dataclass
class House:
    """A partner, with all that is needed to draw what happened there."""

    partner: Partner
    admins: list[Membership]
    endpoint: WebhookEndpoint | None
    reasons: list[RejectionReason]
    clients: list[int] = field(default_factory=list)

    @property
    def may_deny(self) -> bool:
        return self.partner.may_deny and self.partner.pricing_model == "CHARGE_PER_COMPLETED"


@dataclass
class Choice:
    """What a person decided."""

    key: uuid.UUID
    action: Action
    actor: Membership
    reasons: Sequence[RejectionReason]
    at: datetime


@dataclass
class Drawn:
    """`is_shown`: one of the newest of its partner, whose bodies are there, so that pages open."""

    pk: int
    house: House
    kind: Kind
    body: dict[str, Any]
    choice: Choice | None
    is_shown: bool

    @property
    def partner(self) -> Partner:
        return self.house.partner

    @cached_property
    def received(self) -> provider.Received:
        return provider.identification(self.body)

    @property
    def standing(self) -> Standing:
        """Where the provider left it."""
        return self.received.standing or Standing(Status.REVIEWING, False)

    @property
    def received_at(self) -> datetime:
        moment = self.received.finished_at
        assert moment
        return moment + timedelta(seconds=2)


class Drawing:
    """Draws verifications, oldest first: the same ones each time for the same seed.

    Of `rows` each, or the first of `every` so many.
    """

    def __init__(self, rows: int, until: datetime, seed: int, every: int = 1) -> None:
        self.rows, self.seed, self.every = rows, seed, every
        self.places = -(-rows // every)
        self.chance = random.Random(seed)
        # Whole seconds, as the provider tells them.
        self.gap = timedelta(seconds=max(1, DAYS * 86_400 // rows))
        self.began = until - self.gap * rows

    def number(self, place: int) -> int:
        return place * self.every + 1

    def age(self, place: int) -> float:
        """From 0, the oldest, to 1."""
        return self.number(place) / self.rows

    def all(self, houses: list[House], shown: int) -> Iterator[Drawn]:
        """`shown`: how many of the newest of each partner are opened by pages."""
        weights = [1 / place**1.08 for place in range(1, len(houses) + 1)]
        # Who asked is drawn first, so that the newest of each are known.
        order = random.Random(self.seed).choices(range(len(houses)), weights, k=self.places)
        left = [order.count(asked_by) for asked_by in range(len(houses))]
        for place, asked_by in enumerate(order):
            left[asked_by] -= 1
            yield self._one(place, houses[asked_by], is_shown=left[asked_by] < shown)

    def _one(self, place: int, house: House, *, is_shown: bool) -> Drawn:
        pk, age = self.number(place), self.age(place)
        kinds = NEWEST if age > LATELY else OLDEST if age < LONG_AGO else USUALLY
        kind = self._of(kinds)
        body = self._body(pk, house, kind, is_shown=is_shown)
        drawn = Drawn(pk, house, kind, body, None, is_shown)
        drawn.choice = self._choice(drawn, age)
        return drawn

    def _of(self, weights: dict[Any, int]) -> Any:
        return self.chance.choices(list(weights), list(weights.values()))[0]

    def key(self) -> uuid.UUID:
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)

    def _body(self, pk: int, house: House, kind: Kind, *, is_shown: bool) -> dict[str, Any]:
        started = self.began + self.gap * (pk - 1 + self.chance.random())
        has_data = kind.sample != "05" or (kind is EXPIRED and self.chance.random() < 0.3)
        told = {
            "scanRef": str(self.key()),
            "clientId": f"client-{self._client(house, pk)}",
            "externalRef": f"order-{pk:08}" if self.chance.random() < 0.4 else None,
            "platform": self._of(PLATFORMS),
            "final": kind is not REVIEWING,
            "startTime": int(started.timestamp()),
            "finishTime": int(started.timestamp()) + self.chance.randrange(45, 420),
            "status": self._status(kind),
            "data": self._data(kind) if has_data else {},
            "fileUrls": {},
        }
        if not is_shown:
            return told
        whole = samples.body(kind.sample)
        data = {**whole["data"], **told["data"]} if has_data else whole["data"]
        links = {
            name: f"https://media.example.test/{told['scanRef']}/{name}.png"
            for name in whole["fileUrls"] or ()
        }
        return {**whole, **told, "data": data, "fileUrls": links}

    def _client(self, house: House, pk: int) -> int:
        """Mostly somebody new; some come back."""
        if house.clients and self.chance.random() < 0.08:
            return self.chance.choice(house.clients)
        house.clients = [*house.clients[-63:], pk]
        return pk

    def _status(self, kind: Kind) -> dict[str, Any]:
        """As the sample says; what raised a suspicion and what was at fault is drawn."""
        drawn: dict[str, Any] = {"overall": kind.overall}
        luck = self.chance.random()
        if kind is DENIED:
            face = "FACE_NOT_ANALYSED" if luck < 0.5 else self._of(FACES)
            document = self._of(FAULTS) if luck < 0.5 else "DOC_VALIDATED"
            drawn |= {"autoFace": face, "manualFace": face}
            drawn |= {"autoDocument": document, "manualDocument": document}
        elif kind is SUSPECTED:
            frauds = self._several(FRAUDS) if luck < 0.4 else []
            drawn |= {"fraudTags": frauds, "mismatchTags": self._several(MISMATCHES)}
        elif kind is APPROVED and luck < 0.05:
            drawn |= {"autoFace": "FACE_NOT_CHECKED", "manualFace": "FACE_NOT_CHECKED"}
        return _status(kind.sample) | drawn

    def _several(self, weights: dict[str, int]) -> list[str]:
        return list(dict.fromkeys(self._of(weights) for _ in range(self.chance.randrange(1, 4))))

    def _data(self, kind: Kind) -> dict[str, Any]:
        given, family = names.drawn(self.chance)
        own = self.chance.random() < 0.25
        first, last = (one.original or one.latin if own else one.latin for one in (given, family))
        number = f"{given.country[0]}{self.chance.randrange(10**8):08}"
        return {
            "docFirstName": first.upper(),
            "docLastName": last.upper(),
            "fullName": f"{first} {last}".upper(),
            "orgFirstName": given.original or None,
            "orgLastName": family.original or None,
            "docNumber": number,
            "docExpiry": f"20{self.chance.randrange(26, 36)}-{self.chance.randrange(1, 13):02}-15",
            "docType": self._of(DOCUMENTS),
            "docIssuingCountry": given.country,
        }

    def _choice(self, drawn: Drawn, age: float) -> Choice | None:
        """Suspicions are settled with time; of the rest a person sees some otherwise."""
        action = self._action(drawn, age)
        if action is None:
            return None
        admins = drawn.house.admins
        reasons: list[RejectionReason] = []
        if action == Action.DENY:
            number = 1 + (self.chance.random() < 0.3)
            offered = drawn.house.reasons
            places = [int(len(offered) * self.chance.random() ** 2) for _ in range(number)]
            reasons = [offered[place] for place in sorted(set(places))]
        actor = admins[int(len(admins) * self.chance.random() ** 2)]
        wait = timedelta(minutes=self.chance.randrange(3, 600)) * min(1, 40 * (1 - age))
        return Choice(self.key(), action, actor, reasons, drawn.received_at + wait)

    def _action(self, drawn: Drawn, age: float) -> Action | None:
        luck = self.chance.random()
        if drawn.kind is SUSPECTED:
            if age > LATELY or luck < 0.02:
                return None
            deny = luck > 0.6 and drawn.house.may_deny
        elif drawn.kind is DENIED and luck < 0.04:
            deny = False
        elif drawn.kind is APPROVED and luck < 0.006 and drawn.house.may_deny:
            deny = True
        else:
            return None
        action = Action.DENY if deny else Action.APPROVE
        return action if (drawn.standing, action) in ARROWS else None
