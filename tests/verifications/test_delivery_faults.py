"""Whatever breaks on the way: every decision arrives, in order, signed, and nothing else does.

FAULT_KILLS and FAULT_DECISIONS make the run with killed workers as long as wanted.
"""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from standardwebhooks import Webhook

from accounts.models import Partner, User
from tests import factories
from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.conftest import Deliver, Serve, deliver, serve
from tests.verifications.webhooks.receiver import Got, Receiver
from tests.verifications.webhooks.test_outbox import decide
from verifications import transport
from verifications.callbacks import provider
from verifications.models import DeliveryState, Verification, WebhookDelivery, WebhookEndpoint
from verifications.statuses import Action
from verifications.webhooks import delivery

KILLS = int(os.environ.get("FAULT_KILLS", "20"))
DECISIONS = int(os.environ.get("FAULT_DECISIONS", "200"))
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow

__all__ = ["deliver", "serve"]


# One fault at a time, the clock pushed forward by hand.


@pytest.fixture
def denied_then_approved(
    northbank: Partner, ada: User, receive: Callable[..., Verification]
) -> Callable[[str], WebhookEndpoint]:
    """Two decisions about one applicant, on their way to this address."""

    def make(address: str) -> WebhookEndpoint:
        endpoint = factories.endpoint(northbank, address=address)
        it = receive("07")
        decide(ada, it, Action.DENY, "UNDER_AGE")
        decide(ada, it, Action.APPROVE)
        return endpoint

    return make


Two = Callable[[str], WebhookEndpoint]


def told(server: Receiver) -> list[str]:
    return [json.loads(got.raw)["status"]["overall"] for got in server.got]


def pass_time(by: timedelta) -> None:
    WebhookDelivery.objects.update(due_at=F("due_at") - by)


def test_a_receiver_that_was_down_for_an_hour_gets_all_in_order(
    serve: Serve, deliver: Deliver, denied_then_approved: Two
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    denied_then_approved(f"http://127.0.0.1:{port}/hook")
    pass_time(timedelta(minutes=1))
    for _ in range(60):
        deliver(after_waits=False)
        pass_time(timedelta(minutes=1))
    first = WebhookDelivery.objects.get(sequence=1)
    assert {each.problem for each in first.tries.all()} == {"The connection was refused."}
    assert 4 <= first.attempts <= 6
    with receiver.listening(Receiver(receiver.code(200), port=port)) as server:
        pass_time(timedelta(hours=1))
        assert [deliver(after_waits=False) for _ in range(3)] == [1, 1, 0]
        assert told(server) == ["DENIED", "APPROVED"]


def test_a_receiver_that_takes_too_long_is_asked_again_under_the_same_id(
    serve: Serve,
    deliver: Deliver,
    denied_then_approved: Two,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As eleven seconds are to the limit of ten."""
    monkeypatch.setattr(transport, "TIMEOUT", 0.3)
    late = receiver.late(0.6, receiver.code(200))
    server = serve(receiver.in_turn(late, receiver.code(200)))
    denied_then_approved(server.address)
    for _ in range(3):
        deliver()
    assert told(server) == ["DENIED", "DENIED", "APPROVED"]
    ids = [got.headers["webhook-id"] for got in server.got]
    assert ids[0] == ids[1] != ids[2]
    tries = WebhookDelivery.objects.get(sequence=1).tries.all()
    assert [each.problem for each in tries] == ["No complete answer within 0.3 s.", ""]


def test_a_receiver_that_answers_500_for_a_while_gets_all_in_order(
    serve: Serve, deliver: Deliver, denied_then_approved: Two
) -> None:
    server = serve(receiver.in_turn(*[receiver.code(500)] * 5, receiver.code(200)))
    denied_then_approved(server.address)
    for _ in range(7):
        deliver()
    assert told(server) == ["DENIED"] * 6 + ["APPROVED"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_private_address_is_never_followed(
    serve: Serve, deliver: Deliver, denied_then_approved: Two, code: int
) -> None:
    inside = serve(receiver.code(200))
    server = serve(receiver.code(code, Location=inside.address))
    denied_then_approved(server.address)
    deliver()
    assert (len(server.got), len(inside.got)) == (1, 0)
    assert WebhookDelivery.objects.get(sequence=1).last_code == code


@pytest.mark.parametrize("fault", [receiver.cut, receiver.hang_up])
def test_a_receiver_that_closes_in_the_middle_of_its_answer_is_asked_again(
    serve: Serve, deliver: Deliver, denied_then_approved: Two, fault: receiver.Answer
) -> None:
    server = serve(receiver.in_turn(fault, receiver.code(200)))
    denied_then_approved(server.address)
    for _ in range(3):
        deliver()
    assert told(server) == ["DENIED", "DENIED", "APPROVED"]


def test_a_receiver_that_wants_no_more_is_left_alone_until_it_is_switched_on(
    serve: Serve, deliver: Deliver, denied_then_approved: Two
) -> None:
    server = serve(receiver.in_turn(receiver.code(410), receiver.code(200)))
    endpoint = denied_then_approved(server.address)
    for _ in range(5):
        deliver()
    assert told(server) == ["DENIED"]
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_active=True)
    for _ in range(3):
        deliver()
    assert told(server) == ["DENIED", "DENIED", "APPROVED"]


def test_three_days_without_an_answer_end_in_given_up_and_not_in_silence(
    serve: Serve, deliver: Deliver, denied_then_approved: Two
) -> None:
    server = serve(receiver.code(503))
    denied_then_approved(server.address)
    for _ in range(2 * len(delivery.WAITS) + 2):
        deliver()
    states = WebhookDelivery.objects.order_by("sequence").values_list("state", flat=True)
    assert list(states) == [DeliveryState.GIVEN_UP] * 2
    assert told(server) == sorted(told(server), reverse=True)


# Many at once, in processes of their own, with a database of their own.


class Stage(NamedTuple):
    """A database of its own, and a partner's server that answers badly now and then."""

    environment: dict[str, str]
    server: Receiver
    database: str

    def start(self, *args: str, stdout: int | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.verifications.webhooks.play", *args]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=stdout, text=True)

    def play(self, *args: str) -> None:
        assert self.start(*args).wait(600) == 0

    def report(self) -> dict[str, Any]:
        told, _ = self.start("report", stdout=subprocess.PIPE).communicate(timeout=60)
        truth: dict[str, Any] = json.loads(told)
        return truth


def moody(handler: receiver.Handler, got: Got) -> None:
    """Of a hundred answers five are 500, three lead elsewhere, and two are lost."""
    chance = random.random()
    if chance < 0.05:
        handler.say(500)
    elif chance < 0.08:
        handler.say(302, Location="http://169.254.169.254/")
    elif chance < 0.1:
        receiver.cut(handler, got)
    else:
        handler.say(200)


def _place() -> tuple[str, str]:
    """Host and port of PostgreSQL; a socket's folder stands among the options."""
    at = settings.DATABASES["default"]
    options = at.get("OPTIONS", {})
    return at["HOST"] or options.get("host", ""), str(at["PORT"] or options.get("port", ""))


def _server_of_postgres() -> Any:
    at, (host, port) = settings.DATABASES["default"], _place()
    place = {"host": host, "port": port, "user": at["USER"], "dbname": "postgres"}
    return psycopg.connect(**place, password=at["PASSWORD"] or None, autocommit=True)


@contextmanager
def own_database(folder: Path) -> Iterator[tuple[str, str]]:
    """Its address and its name."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / 'faults.sqlite3'}", ""
        return
    at, name = settings.DATABASES["default"], f"faults_{uuid.uuid4().hex[:12]}"
    with _server_of_postgres() as server:
        server.execute(f'CREATE DATABASE "{name}"')
    login = f"{at['USER']}:{at['PASSWORD']}" if at["PASSWORD"] else at["USER"]
    try:
        host, port = _place()
        yield f"postgres://{login}@/{name}?host={host}&port={port}", name
    finally:
        with _server_of_postgres() as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with (
        own_database(tmp_path) as (address, name),
        receiver.listening(Receiver(moody)) as server,
    ):
        own = {"DATABASE_URL": address, "DATA_DIR": str(tmp_path), "DEMO": "1"}
        environment = os.environ | own
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        made = Stage(environment, server, name)
        made.play("prepare", server.address)
        yield made


def assert_the_partner_knows_the_truth(truth: dict[str, Any], got: list[Got]) -> None:
    assert truth["wrong"] == []
    assert truth["untold"] == 0
    times = Counter(each.headers["webhook-id"] for each in got)
    sent = {each["id"]: each for each in truth["deliveries"]}
    assert not times.keys() - sent.keys(), "something was sent that was not committed"
    for each in sent.values():
        if each["is_undone"]:
            assert (times[each["id"]], each["state"]) == (0, "withdrawn"), "an undone one was sent"
        else:
            assert times[each["id"]] >= 1, "a decision was lost"
            assert each["state"] == "delivered"
    for each in got:
        frozen = sent[each.headers["webhook-id"]]["sha"]
        assert hashlib.sha256(each.raw).hexdigest() == frozen
        assert Webhook(truth["key"]).verify(each.raw, each.headers)
        assert provider.signature_matches(truth["key"], each.raw, each.headers["idenfy-signature"])
    assert_in_order(got)


def assert_in_order(got: list[Got]) -> None:
    """As they arrived, repeated ones too: nothing older after something newer."""
    last: dict[str, int] = {}
    for each in got:
        scan_ref, number = json.loads(each.raw)["scanRef"], int(each.headers["webhook-sequence"])
        assert number >= last.get(scan_ref, 0), f"{scan_ref} went back"
        last[scan_ref] = number


def test_workers_killed_at_any_moment_lose_nothing_and_send_nothing_undone(stage: Stage) -> None:
    deciders = stage.start("decide", str(DECISIONS))
    stage.play("kill", str(KILLS))
    assert deciders.wait(600) == 0
    stage.play("drain")
    truth = stage.report()
    assert truth["decisions"] == DECISIONS
    assert truth["undone"] > DECISIONS / 20
    assert_the_partner_knows_the_truth(truth, stage.server.got)


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no server that could restart"
)
def test_a_database_that_restarts_under_them_loses_nothing(stage: Stage) -> None:
    workers = [stage.start("work") for _ in range(2)]
    deciders = stage.start("decide", str(DECISIONS))
    restarts = 0
    while deciders.poll() is None:
        time.sleep(random.uniform(0.5, 1))
        _restart(stage.database)
        restarts += 1
    assert deciders.returncode == 0
    for each in workers:
        each.send_signal(signal.SIGTERM)
        assert each.wait(20) == 0
    stage.play("drain")
    truth = stage.report()
    assert restarts > 2
    assert truth["decisions"] == DECISIONS
    assert_the_partner_knows_the_truth(truth, stage.server.got)


def _restart(database: str) -> None:
    """All connections are cut, and for a moment there are no new ones."""
    with _server_of_postgres() as server:
        server.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        )
        time.sleep(0.3)
        server.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')


def test_a_worker_that_is_asked_to_stop_finishes_the_try_in_hand(stage: Stage) -> None:
    stage.server.answer = receiver.late(1, receiver.code(200))
    stage.play("decide", "4")
    command = [sys.executable, "manage.py", "run_worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=stage.environment)
    try:
        end = time.monotonic() + 30
        while not stage.server.got and time.monotonic() < end:
            time.sleep(0.05)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
    finally:
        worker.kill()
    truth = stage.report()
    sent = {got.headers["webhook-id"] for got in stage.server.got}
    assert {each["id"] for each in truth["deliveries"] if each["state"] == "delivered"} == sent
    assert len(sent) == len(stage.server.got) > 0
