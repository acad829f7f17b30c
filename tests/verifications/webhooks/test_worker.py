"""The loop: many messages, many threads, several workers, and what must not stop it."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError, connections

from accounts.models import Partner
from tests import factories
from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.conftest import Serve
from tests.verifications.webhooks.receiver import Receiver
from verifications import transport, worker
from verifications.callbacks import intake
from verifications.models import DeliveryState, WebhookDelivery
from verifications.webhooks import claims, delivery, outbox
from verifications.worker import Worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "DUTIES", [])
    monkeypatch.setattr(worker, "IDLE", 0.05)
    monkeypatch.setattr(worker, "AFTER_A_FAULT", 0.05)


@pytest.fixture
def partner() -> Partner:
    return factories.NorthbankFactory()


def queued(partner: Partner, address: str, *, verifications: int, each: int = 1) -> None:
    """So many messages of so many verifications, due now, to an endpoint of their own."""
    event = f"FOR_{uuid.uuid4().hex}"
    endpoint = factories.endpoint(partner, address=address, events=[event])
    for number in range(verifications):
        _, raw = factories.sample("07", scanRef=f"{endpoint.pk}-{number}")
        it = intake.receive(partner, "IDENTIFICATION", raw).callback.verification
        for _ in range(each):
            outbox.queue(it, event)


@pytest.fixture
def running() -> Iterator[Callable[[], Worker]]:
    """A worker at work in the background; stopped at the end."""
    started: list[tuple[Worker, threading.Thread]] = []

    def run() -> Worker:
        one = Worker()

        def work() -> None:
            try:
                one.run()
            finally:
                connections.close_all()

        thread = threading.Thread(target=work)
        started.append((one, thread))
        thread.start()
        return one

    yield run
    for one, thread in started:
        one.stop()
        thread.join(10)
        assert not thread.is_alive()


def soon(is_so: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return False


def sequences(server: Receiver) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for got in server.got:
        key = got.raw.partition(b'"scanRef":"')[2].partition(b'"')[0].decode()
        found.setdefault(key, []).append(int(got.headers["webhook-sequence"]))
    return found


def test_it_sends_until_nothing_is_left(serve: Serve, partner: Partner) -> None:
    server = serve(receiver.code(200))
    queued(partner, server.address, verifications=10, each=5)
    Worker().send(claims.is_empty)
    assert len(sequences(server)) == 10
    assert all(numbers == [1, 2, 3, 4, 5] for numbers in sequences(server).values())


def test_several_workers_share_the_work_in_order(serve: Serve, partner: Partner) -> None:
    server = serve(receiver.late(0.01, receiver.code(200)))
    queued(partner, server.address, verifications=12, each=5)
    threads = [threading.Thread(target=Worker().send, args=[claims.is_empty]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(sequences(server)) == 12
    assert all(numbers == [1, 2, 3, 4, 5] for numbers in sequences(server).values())


def test_a_partner_that_hangs_holds_nobody_else_up(
    serve: Serve,
    partner: Partner,
    running: Callable[[], Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", 2.0)
    hanging = serve(receiver.late(3, receiver.code(200)))
    quick = serve(receiver.code(200))
    queued(partner, hanging.address, verifications=worker.THREADS * 2)
    queued(partner, quick.address, verifications=30)
    running()
    started = time.monotonic()
    assert soon(lambda: len(quick.got) == 30)
    assert time.monotonic() - started < 1.9
    assert len(hanging.got) <= worker.SHARE


def test_a_partner_in_trouble_gets_one_thread_until_it_answers(
    serve: Serve, partner: Partner, running: Callable[[], Worker]
) -> None:
    now, most, lock = Counter[str](), Counter[str](), threading.Lock()

    def answer(handler: receiver.Handler, got: receiver.Got) -> None:
        phase = "down" if len(handler.server.got) <= 12 else "up"
        with lock:
            now[phase] += 1
            most[phase] = max(most[phase], now[phase])
        time.sleep(0.03)
        handler.say(500 if phase == "down" else 200)
        with lock:
            now[phase] -= 1

    server = serve(answer)
    queued(partner, server.address, verifications=40)
    running()
    assert soon(lambda: len(server.got) == 40)
    assert most["up"] > 1
    assert most["down"] <= worker.SHARE


def test_stopping_finishes_the_try_in_hand(
    serve: Serve, partner: Partner, running: Callable[[], Worker]
) -> None:
    server = serve(receiver.late(0.5, receiver.code(200)))
    queued(partner, server.address, verifications=1, each=2)
    at_work = running()
    assert soon(lambda: bool(server.got))
    at_work.stop()
    delivered = WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED)
    assert soon(lambda: delivered.count() == 1)
    time.sleep(0.3)
    assert len(server.got) == 1


def test_what_is_queued_later_goes_out_too(
    serve: Serve, partner: Partner, running: Callable[[], Worker]
) -> None:
    server = serve(receiver.code(200))
    running()
    for number in range(3):
        queued(partner, f"{server.address}{number}", verifications=1)
        assert soon(lambda number=number: len(server.got) == number + 1)


def test_once_does_what_is_due_and_each_duty(
    serve: Serve, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    monkeypatch.setattr(
        worker, "DUTIES", [lambda: done.append(1) or 1, lambda: done.append(2) or 0]
    )
    server = serve(receiver.code(500))
    queued(partner, server.address, verifications=3)
    Worker().run_once()
    assert len(server.got) == 3
    assert done == [1, 2]


def test_a_duty_that_fails_stops_neither_the_others_nor_deliveries(
    serve: Serve,
    partner: Partner,
    running: Callable[[], Worker],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[int] = []

    def broken() -> int:
        raise RuntimeError

    monkeypatch.setattr(worker, "DUTIES", [broken, lambda: done.append(1) or 0])
    server = serve(receiver.code(200))
    queued(partner, server.address, verifications=1)
    running()
    assert soon(lambda: len(done) > 2 and bool(server.got))
    assert "broken failed" in caplog.text


def test_a_database_that_is_away_for_a_moment_is_asked_again(
    serve: Serve,
    partner: Partner,
    running: Callable[[], Worker],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = iter([OperationalError, OperationalError])

    def due(most: int, *, without: list[int]) -> list[tuple[claims.Key, int]]:
        for error in away:
            raise error
        return known(most, without=without)

    known = claims.due
    monkeypatch.setattr(claims, "due", due)
    server = serve(receiver.code(200))
    queued(partner, server.address, verifications=2)
    running()
    assert soon(lambda: len(server.got) == 2)


def test_a_result_is_written_again_and_the_message_not_sent_again(
    serve: Serve, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = iter([OperationalError, OperationalError])

    def settle(*args: object) -> None:
        for error in away:
            raise error
        known(*args)

    known = delivery._settle
    monkeypatch.setattr(delivery, "_settle", settle)
    monkeypatch.setattr(delivery, "SETTLE_AGAIN", (0.01, 0.01, 0.01))
    server = serve(receiver.code(200))
    queued(partner, server.address, verifications=1)
    Worker().send(claims.is_empty)
    assert len(server.got) == 1
    assert WebhookDelivery.objects.get().state == DeliveryState.DELIVERED
