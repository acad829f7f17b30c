"""Seeded rows of realistic width and skew, by the million.

50 partners by Zipf, the first about a quarter; the number of a row grows with its start; what is
open is mostly among the newest 2 %. The bodies of the newest that were drawn of each partner are
there; on PostgreSQL no more than DRAWN are drawn, the others are `copies` of them.
"""

import random
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership, Partner, Plan, PricingModel, Rank, Role, User
from tests.bench import bulk, copies, tables, words
from tests.bench.drawing import Drawing, House
from tests.bench.figures import say
from tests.bench.tables import AFTERWARDS, BY_INDEX, TABLES
from verifications import vault
from verifications.models import DataKey, RejectionReason, WebhookEndpoint

SEED = 20_261_123
PARTNERS = 50
SHOWN = 200
PORTION = 10_000
# Names, partners and their skew hardly change with more.
DRAWN = 250_000
PASSWORD = "demo-Passw0rd-2026"
STAFF = ["Bea Norling", "Carl Osei", "Dana Petrauskė", "Emil Quist", "Fay Rosales", "Gus Tamm"]
# The rank of each of them: three Admins, a Moderator, a Member, a Viewer.
RANKS = [Rank.ADMIN, Rank.ADMIN, Rank.ADMIN, Rank.MODERATOR, Rank.MEMBER, Rank.VIEWER]


def build(
    rows: int, *, shown: int = SHOWN, seed: int = SEED, until: datetime | None = None
) -> None:
    """Fills the migrated, empty database of the default connection."""
    began = time.monotonic()
    every = -(-rows // DRAWN) if connection.vendor == "postgresql" else 1
    drawing = Drawing(rows, until or timezone.now().replace(microsecond=0), seed, every)
    with transaction.atomic():
        houses = list(_houses(random.Random(seed), drawing.began))
    models = [table.model for table in TABLES] + words.MODELS
    with bulk.everything_aside(models):
        _write(drawing, houses, shown, began)
        for derive in AFTERWARDS:
            derive()
        if every > 1:
            copies.make(drawing)
            say(f"copied after {time.monotonic() - began:.0f} s")
    _give_search_keys(houses)
    for derive in BY_INDEX:
        derive()
    bulk.settle()
    say(f"{rows:,} verifications stand after {time.monotonic() - began:.0f} s")


def _write(drawing: Drawing, houses: list[House], shown: int, began: float) -> None:
    writers = [(bulk.Writer(table.model), table.rows) for table in TABLES]
    for place, drawn in enumerate(drawing.all(houses, shown), 1):
        for writer, rows_of in writers:
            for row in rows_of(drawn):
                writer.add(row)
        if place % PORTION == 0 or place == drawing.places:
            with transaction.atomic():
                for writer, _ in writers:
                    writer.write()
            _progress(place, drawing.places, time.monotonic() - began)


def _progress(done: int, rows: int, seconds: float) -> None:
    left = seconds * (rows - done) / done
    bar = "#" * (30 * done // rows)
    text = f"[{bar:<30}] {done:,} of {rows:,} rows, {done / seconds:,.0f} a second, {left:.0f} s"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r{text} left " + "\n" * (done == rows))
        sys.stdout.flush()
    elif done == rows or done * 10 // rows > (done - PORTION) * 10 // rows:
        say(f"{text} left")


def _houses(chance: random.Random, began: datetime) -> Iterator[House]:
    """Partners with their staff. Most may deny; every third has an endpoint."""
    hashed = make_password(PASSWORD)
    roles = {role.rank: role for role in Role.objects.all()}
    reasons = list(RejectionReason.objects.filter(partner=None, is_active=True))
    for place in range(PARTNERS):
        key = f"bench-{place + 1:02}"
        # The first partner may do everything, whoever else may not.
        pays_approved = place % 7 == 6
        partner = Partner.objects.create(
            key=key,
            name=f"Bench {place + 1:02}",
            plan=chance.choice(Plan.values),
            pricing_model=PricingModel.CHARGE_PER_APPROVED
            if pays_approved
            else PricingModel.CHARGE_PER_COMPLETED,
            may_approve=True,
            may_deny=True,
            callback_key=f"key-of-{key}",
            created_at=began,
        )
        members = [
            Membership.objects.create(
                user=_user(name, key, hashed), partner=partner, role=roles[rank], created_at=began
            )
            for name, rank in zip(STAFF, RANKS, strict=True)
        ]
        endpoint = _endpoint(partner, began) if place % 3 == 0 else None
        yield House(partner, members[:3], endpoint, reasons)


def _give_search_keys(houses: list[House]) -> None:
    owners = [vault.Owner(house.partner.pk, vault.SEARCH) for house in houses]
    DataKey.objects.bulk_create(DataKey(**tables.data_key(owner)) for owner in owners)


def _user(name: str, key: str, hashed: str) -> User:
    email = f"{name.split()[0].lower()}@{key}.example"
    return User.objects.create(email=email, name=name, password=hashed)


def _endpoint(partner: Partner, began: datetime) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        partner=partner,
        name="Main",
        address=f"https://hooks.{partner.key}.example/idv",
        events=["IDENTIFICATION_MANUAL_FINISHED"],
        created_at=began - timedelta(days=1),
    )
