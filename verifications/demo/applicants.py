"""Invented applicants: the same ones each time, whatever the day."""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from verifications.demo.names import GROUPS, Group, Name

FIRST_BIRTH = date(1951, 1, 1)
DAYS_OF_BIRTH = 54 * 365


@dataclass(frozen=True)
class Applicant:
    """Who somebody is at one partner; `seed` decides how the face is drawn."""

    seed: int
    client_id: str
    given: Name
    family: Name
    sex: str
    country: str
    city: str
    born_on: date
    number: str
    personal_code: str

    @property
    def latin(self) -> str:
        return f"{self.given.latin} {self.family.latin}"


# Those that always exist: country, city, sex; the last two parts are the name's own letters.
NAMED = {
    "Alma Veske": ("EE", "Tartu, Estonia", "FEMALE", "Alma", "Veske"),
    "Jonas Okoro": ("IE", "Cork, Ireland", "MALE", "Jonas", "Okoro"),
    "Mira Lindqvist": ("SE", "Lund, Sweden", "FEMALE", "Mira", "Lindqvist"),
    "Tomasz Wolny": ("PL", "Toruń, Poland", "MALE", "Tomasz", "Wolny"),
    "Inés Duarte": ("ES", "Cádiz, Spain", "FEMALE", "Inés", "Duarte"),
    "Priya Nair": ("IN", "Kochi, India", "FEMALE", "പ്രിയ", "നായർ"),
    "Leo Brandt": ("DE", "Kassel, Germany", "MALE", "Leo", "Brandt"),
    "Hana Sato": ("JP", "Nagano, Japan", "FEMALE", "花", "佐藤"),
    "Omar Haddad": ("TN", "Sfax, Tunisia", "MALE", "عمر", "حداد"),
}


def named(full_name: str, seed: int) -> Applicant:
    country, city, sex, given, family = NAMED[full_name]
    latin_given, latin_family = full_name.split()
    group = Group(country, city, sex, [Name(latin_given, given)], [Name(latin_family, family)])
    return _applicant(random.Random(seed), group, seed)  # noqa: S311


def invented(chance: random.Random, seed: int, country: str = "") -> Applicant:
    """Somebody new, of that country where one is named."""
    groups = [group for group in GROUPS if country in ("", group.country)]
    return _applicant(chance, chance.choice(groups), seed)


def _applicant(chance: random.Random, group: Group, seed: int) -> Applicant:
    return Applicant(
        seed=seed,
        client_id=f"client-{40_000 + seed * 7}",
        given=chance.choice(group.given),
        family=chance.choice(group.families),
        sex=group.sex,
        country=group.country,
        city=group.city,
        born_on=FIRST_BIRTH + timedelta(days=chance.randrange(DAYS_OF_BIRTH)),
        number=f"SP{chance.randrange(10**7):07}",
        personal_code=f"0{chance.randrange(10**10):010}",
    )
