"""Sixty days of verifications, made up the same way each time; only the days move along."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from verifications.demo import applicants
from verifications.demo.applicants import Applicant
from verifications.demo.bodies import Attempt

DAYS = 60
# How many of each kind a partner has, those with a name of their own included.
SHARES = {
    "northbank": {"approved": 602, "denied": 100, "suspected": 41, "expired": 68, "reviewing": 9},
    "southpay": {"approved": 82, "denied": 14, "suspected": 7, "expired": 8, "reviewing": 1},
    "eastcredit": {"approved": 49, "denied": 10, "suspected": 3, "expired": 5, "reviewing": 1},
}
# Which samples a kind is made from, and how often; the country where the sample rests on one.
SAMPLES: dict[str, dict[str, int]] = {
    "approved": {
        "01": 57,
        "02": 3,
        "26": 12,
        "13": 4,
        "14": 5,
        "16": 3,
        "17": 3,
        "20": 2,
        "21": 3,
        "22": 2,
    },
    "denied": {"03": 9, "04": 7, "15": 4},
    "suspected": {"07": 6, "08": 2, "09": 3, "10": 3, "11": 2, "12": 3, "19": 2, "23": 1},
    "expired": {"05": 3, "06": 5},
    "reviewing": {"25": 1},
}
COUNTRIES = {"10": "TN", "11": "LT", "16": "HU", "17": "JP", "19": "US", "20": "TH", "21": "LT"}
COUNTRIES |= {"02": "TR", "13": "TW", "22": "DE", "23": "IL"}
# What a denial of the machine or of staff says, beside what its sample says.
DENIALS: dict[str, list[dict[str, Any]]] = {
    "03": [
        {"autoDocument": code, "manualDocument": code}
        for code in ("DOC_FAKE", "DOC_NOT_FULLY_VISIBLE", "DOC_TOO_BLURRY", "MRZ_INVALID")
    ],
    "04": [
        {"autoFace": code, "manualFace": code}
        for code in ("FACE_MISMATCH", "FACE_MISMATCH", "NO_FACE_FOUND", "FAKE_FACE")
    ],
}
# Newest first; the applicants that always exist are each the newest of their partner.
ALWAYS: dict[str, list[tuple[str, str, str, dict[str, Any]]]] = {
    "northbank": [
        ("Alma Veske", "approved", "01", {}),
        ("Jonas Okoro", "denied", "03", {}),
        ("Mira Lindqvist", "suspected", "07", {"mismatchTags": ["NAME"]}),
        ("Tomasz Wolny", "reviewing", "25", {}),
        ("Inés Duarte", "expired", "05", {}),
    ],
    "southpay": [("Priya Nair", "approved", "01", {}), ("Leo Brandt", "denied", "03", {})],
    "eastcredit": [("Hana Sato", "approved", "01", {}), ("Omar Haddad", "denied", "03", {})],
}
OPEN_SUSPICIONS = 14
MINUTES_APART = 11
# All others are older than those, and done by now.
NEWEST = timedelta(minutes=75)


def attempts(partner: str, now: datetime) -> list[Attempt]:
    """All of a partner's, oldest first."""
    chance = random.Random(f"IDV demo, {partner}")  # noqa: S311
    always = _always(partner, now)
    left = dict(SHARES[partner])
    for _, kind, _, _ in ALWAYS[partner]:
        left[kind] -= 1
    kinds = _kinds(chance, left)
    # A chance of their own: who comes in must not depend on what day it is.
    moments = _moments(random.Random(partner), len(kinds), now - NEWEST)  # noqa: S311
    others = list(_others(chance, partner, kinds, moments))
    return [*others, *reversed(always)]


def _always(partner: str, now: datetime) -> list[Attempt]:
    return [
        Attempt(
            partner=partner,
            number=place,
            sample=sample,
            applicant=applicants.named(name, 9000 + place),
            started_at=now - timedelta(minutes=MINUTES_APART * (place + 1)),
            seconds=170 + 31 * place,
            status=status,
            is_named=True,
        )
        for place, (name, _, sample, status) in enumerate(ALWAYS[partner])
    ]


def _kinds(chance: random.Random, left: dict[str, int]) -> list[str]:
    """Oldest first: what is still being looked at, or should be, came in lately."""
    open_now = min(left["suspected"], OPEN_SUSPICIONS - 1)
    lately = ["reviewing"] * left["reviewing"] + ["suspected"] * open_now
    settled = ["approved"] * left["approved"] + ["denied"] * left["denied"]
    settled += ["expired"] * left["expired"]
    chance.shuffle(settled)
    recent = settled[: 4 * len(lately)]
    earlier = settled[len(recent) :] + ["suspected"] * (left["suspected"] - open_now)
    chance.shuffle(earlier)
    mixed = recent + lately[left["reviewing"] :]
    chance.shuffle(mixed)
    reviewing = lately[: left["reviewing"]]
    for place in range(len(reviewing)):
        mixed.insert(len(mixed) - chance.randrange(12), reviewing[place])
    return earlier + mixed


def _moments(chance: random.Random, count: int, newest: datetime) -> list[datetime]:
    """Oldest first; fewer at night and at weekends."""
    moments: list[datetime] = []
    while len(moments) < count:
        moment = newest - timedelta(seconds=chance.randrange(DAYS * 86_400))
        quiet = (moment.weekday() > 4) + 2 * (moment.hour < 6) + (moment.hour > 21)
        if chance.random() < 1 / (1 + quiet):
            moments.append(moment)
    return sorted(moments)


def _others(
    chance: random.Random, partner: str, kinds: list[str], moments: list[datetime]
) -> Iterator[Attempt]:
    known: list[Applicant] = []
    for number, (kind, moment) in enumerate(zip(kinds, moments, strict=True), start=100):
        sample = _drawn(chance, SAMPLES[kind])
        applicant = _applicant(chance, known, sample, number)
        known.append(applicant)
        yield Attempt(
            partner=partner,
            number=number,
            sample=sample,
            applicant=applicant,
            started_at=moment,
            seconds=3600 if sample == "05" else chance.randrange(48, 420),
            status=chance.choice(DENIALS.get(sample, [{}])),
        )


def _drawn(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def _applicant(
    chance: random.Random, known: list[Applicant], sample: str, number: int
) -> Applicant:
    """Mostly somebody new; some come back, for another product or after a denial."""
    country = COUNTRIES.get(sample, "")
    if not country and known and chance.random() < 0.07:
        return chance.choice(known[-60:])
    return applicants.invented(chance, number, country)
