"""Two partners, one of them with a mark in every text: no answer to the other's staff holds it.

Every address, its own and its foreign form, with whatever asks for a row of the other partner, by
every method and in every role.
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings

from accounts.models import Partner
from tests import factories, hostile
from tests.fuzz.walk import FORM, Walker
from tests.fuzz.world import World, patterns, stay_here
from verifications import decisions, notes
from verifications.callbacks import intake
from verifications.models import RejectionReason, Verification, WebhookEndpoint
from verifications.statuses import Action
from verifications.webhooks import outbox

# Of an applicant, and of the business: support may see the second.
APPLICANT, BUSINESS = "CANARYSOUTHA", "CANARYSOUTHB"
# Asked for by its first letters, so that what is found was not said by the question.
PART = "CANARYSOU"
STAFF = ("viewer", "member", "moderator", "admin")
METHODS = ("GET", "POST")
OTHER_METHODS = ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
SAMPLES = ("03", "07", "10", "17", "19", "25")


class Two(World):
    """The world, and everything that Southpay has, marked."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.numbers = count(1)
        self.otto = self.people["outsider"]
        self.otto.name = f"{BUSINESS} Otto"  # type: ignore[misc]
        self.otto.save()
        Partner.objects.filter(pk=self.southpay.pk).update(name=f"{BUSINESS} Ltd")
        self.other_endpoint.name = f"{BUSINESS} endpoint"
        self.other_endpoint.address = f"https://{BUSINESS.lower()}.example/hook"
        self.other_endpoint.headers = {"X-Own": BUSINESS}
        self.other_endpoint.save()
        self.other_reason = RejectionReason.objects.create(
            partner=self.southpay, code=f"{BUSINESS}_R", label=f"{BUSINESS} reason", group="other"
        )
        self.other_invitation.email = f"{BUSINESS.lower()}@new.example"
        self.other_invitation.save()
        self.hidden = [self._received(sample) for sample in SAMPLES]
        self.theirs = self.hidden[1]
        self._work()

    def mark(self) -> str:
        return f"{APPLICANT}{next(self.numbers)}"

    def _received(self, sample: str) -> Verification:
        event, raw = factories.sample(sample)
        body = hostile.spread(json.loads(raw), event, self.mark, hostile.DECIDING)
        # What support finds a verification by, and what tells of no person.
        for key in ("scanRef", "clientId", "externalRef", "platform"):
            body[key] = f"{BUSINESS}{key[0]}{sample}"
        body["data"]["docType"] = f"{BUSINESS}D{sample}"
        receipt = intake.receive(self.southpay, event, json.dumps(body).encode())
        assert receipt.callback.verification
        return Verification.objects.get(pk=receipt.callback.verification.pk)

    def _work(self) -> None:
        otto = factories.membership(self.otto)  # type: ignore[arg-type]
        intent = decisions.Intent(
            action=Action.APPROVE,
            seen_revision=self.hidden[0].revision,
            request_key=uuid.uuid4(),
            message_to_applicant=self.mark(),
            internal_note=self.mark(),
        )
        decisions.decide(otto, self.hidden[0].scan_ref, intent)
        for it in self.hidden:
            notes.write(otto, it, text=self.mark(), request_key=uuid.uuid4())
        event = self.other_endpoint.events[0]
        self.other_delivery = outbox.queue_present_state(
            self.theirs, self.other_endpoint, event, ""
        )


@pytest.fixture
def world(db: None, settings: LazySettings, tmp_path: Path) -> Two:
    settings.STORAGES, settings.DEMO = stay_here(str(tmp_path)), True
    settings.DATA_DIR = tmp_path
    made = Two()
    made.store_photos()
    return made


def asks(world: Two) -> list[str]:
    """What the addresses with a query are asked: by texts, keys and pages of the other partner."""
    otto = factories.membership(world.otto)  # type: ignore[arg-type]
    queries = [
        {name: value}
        for name in ("q", "tag", "reason", "who", "scan_ref", "order", "kind", "state", "code")
        for value in (PART, world.other_reason.code[: len(PART)], "")
    ]
    queries += [
        {name: str(value)}
        for name in ("endpoint", "decided_by", "who", "partner", "partner__id__exact", "after")
        for value in (world.other_endpoint.pk, otto.user_id, world.southpay.pk, "southpay")
    ]
    return [urlencode(it) for it in queries]


def addresses(world: Two) -> Iterator[str]:
    """Each address: as it is, of the other partner, and each that takes questions asked."""
    # The demo's inbox shows what was posted to it: here, by ourselves.
    for pattern in sorted(set(patterns()) - {"demo/receiver/inbox/"}):
        yield world.path(pattern)
        yield world.path(pattern, is_foreign=True)
    lists = ["", "filter/", "verifications/", "webhooks/", "webhooks/deliveries/", "audit/"]
    lists += ["audit/export/", "export/", "verifications/export.csv", "team/", "demo/receiver/"]
    for query in asks(world):
        yield from (f"/{it}?{query}" for it in lists)


def posted(world: Two) -> bytes:
    """A form that names rows of the other partner wherever one can be named."""
    otto = factories.membership(world.otto)  # type: ignore[arg-type]
    fields = {
        "reasons": world.other_reason.code,
        "internal_note": "Said on the telephone.",
        "note": "A note.",
        "request_key": str(uuid.uuid4()),
        "seen_revision": "1",
        "decision": str(world.hidden[0].decision_id),
        "partner": world.southpay.pk,
        "endpoint": world.other_endpoint.pk,
        "role": factories.role(10).pk,
        "user": otto.user_id,
        "email": world.other_invitation.email,
        "name": "Main",
        "address": world.other_endpoint.address,
        "events": "IDENTIFICATION",
        "preview": "1",
    }
    return urlencode(fields).encode()


def found(walker: Walker, role: str, mark: str) -> tuple[Counter[int], list[str]]:
    """The answers by status, and each that held the mark though the question did not."""
    body, world = posted(walker.world), walker.world
    typed = world.other_endpoint.address, world.other_invitation.email, world.other_reason.code
    said: Counter[int] = Counter()
    hits = []
    for path in addresses(world):
        for method in METHODS + OTHER_METHODS * (role in ("viewer", "admin")):
            if "?" in path and method != "GET":
                continue
            form = {"data": body, "content_type": FORM} if method not in ("GET", "HEAD") else {}
            with walker.asked(role, method, path, **form) as answer:
                said[answer.status_code] += 1
                whole = str(answer.headers).encode() + answer.whole
                for asked in (path, path.lower(), *typed):
                    whole = whole.replace(asked.encode(), b"")
                if mark.encode() in whole or mark.lower().encode() in whole:
                    near = whole.lower().partition(mark.lower().encode())
                    seen = near[0][-60:] + near[1] + near[2][:20]
                    hits.append(f"{role} {method} {path} {answer.status_code}: {seen!r}")
    return said, hits


@pytest.mark.parametrize("mark", [APPLICANT, BUSINESS])
def test_the_marks_are_there_to_be_found(world: Two, mark: str) -> None:
    walker = Walker(world)
    shown = [world.path("verifications/<str:scan_ref>/", is_foreign=True), "/webhooks/", "/team/"]
    for path in shown[:1] if mark == APPLICANT else shown[1:]:
        with walker.asked("outsider", "GET", path) as answer:
            assert answer.whole.count(mark.encode()) > (20 if mark == APPLICANT else 0), path
    assert WebhookEndpoint.objects.get(pk=world.other_endpoint.pk).headers == {"X-Own": BUSINESS}


@pytest.mark.slow
@pytest.mark.parametrize("role", STAFF)
def test_nothing_of_another_partner_is_answered(world: Two, role: str) -> None:
    said, hits = found(Walker(world), role, "CANARYSOUTH")
    print(f"{role}: {said.total()} answers {dict(sorted(said.items()))}, {len(hits)} canaries")
    assert said.total() > 1000
    assert {200, 302, 404, 405} <= said.keys()
    assert not hits, "\n".join(hits[:20])


@pytest.mark.slow
def test_support_sees_no_applicant_of_anybody(world: Two) -> None:
    said, hits = found(Walker(world), "support", APPLICANT)
    print(f"support: {said.total()} answers {dict(sorted(said.items()))}, {len(hits)} canaries")
    assert said.total() > 1000
    assert not hits, "\n".join(hits[:20])
