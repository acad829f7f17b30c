"""The worker: sends what is due, and does the other duties, until it is told to stop.

Several may run at once, on one machine or many: what they share is the database. Killed at any
moment it loses nothing; a message may arrive twice, under the same id.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from django.db import connections

from accounts import letters
from verifications import chores
from verifications.callbacks import photos
from verifications.models import WebhookDelivery
from verifications.webhooks import claims, delivery

log = logging.getLogger(__name__)

# Each runs again and again in a thread of its own, beside the deliveries; what it gives back says
# whether there was something to do.
DUTIES: list[Callable[[], int]] = [
    claims.close_removed,
    letters.send_due,
    photos.fetch_due,
    chores.run_due,
]
THREADS = 16
# One endpoint never takes all threads; one that failed gets a single thread until it answers.
SHARE = 4
LOOK_AHEAD = 100
IDLE = 0.5
# How long what was found due is begun without looking again: an endpoint may be switched off.
FRESH = 1.0
AFTER_A_FAULT = 2.0


class Worker:
    def __init__(self) -> None:
        self._stopping = Event()
        self._awake = Event()
        self._lock = Lock()
        self._jobs: SimpleQueue[WebhookDelivery | None] = SimpleQueue()
        self._in_flight: Counter[int] = Counter()
        self._in_trouble: set[int] = set()
        self._found: list[tuple[claims.Key, int]] = []
        self._found_at = 0.0

    def stop(self) -> None:
        """Finishes the tries in hand and begins no other."""
        self._stopping.set()
        self._awake.set()

    def run(self) -> None:
        """Until stop() is called."""
        duties = [Thread(target=self._repeat, args=[duty]) for duty in DUTIES]
        for thread in duties:
            thread.start()
        try:
            self.send(lambda: False)
        finally:
            self.stop()
            for thread in duties:
                thread.join()

    def run_once(self) -> None:
        """What is due now, and each duty once."""
        self.send(lambda: True)
        for duty in DUTIES:
            guarded(duty)

    def send(self, is_over: Callable[[], bool]) -> None:
        """Sends what is due until `is_over()` says so at a moment when nothing is."""
        threads = [Thread(target=self._serve) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            while not self._stopping.is_set():
                self._awake.clear()
                was_idle = not self._load()
                started = guarded(self._start_due)
                if started:
                    continue
                if started == 0 and was_idle and guarded(is_over):
                    break
                self._awake.wait(AFTER_A_FAULT if started is None else IDLE)
        finally:
            for _ in threads:
                self._jobs.put(None)
            for thread in threads:
                thread.join()

    def _load(self) -> Counter[int]:
        """How many messages are being sent to each endpoint."""
        with self._lock:
            return +self._in_flight

    def _start_due(self) -> int:
        """Begins what was found before, as long as it is fresh; else looks again."""
        if time.monotonic() - self._found_at < FRESH and (started := self._start_found()):
            return started
        load = self._load()
        if load.total() >= THREADS:
            return 0
        full = [endpoint for endpoint, number in load.items() if number >= self._share(endpoint)]
        self._found, self._found_at = claims.due(LOOK_AHEAD, without=full), time.monotonic()
        return self._start_found()

    def _start_found(self) -> int:
        load, kept, started = self._load(), [], 0
        for key, endpoint in self._found:
            if load.total() >= THREADS or load[endpoint] >= self._share(endpoint):
                kept.append((key, endpoint))
            elif claimed := claims.claim(key):
                self._begin(claimed)
                load[endpoint] += 1
                started += 1
        self._found = kept
        return started

    def _share(self, endpoint: int) -> int:
        return 1 if endpoint in self._in_trouble else SHARE

    def _begin(self, claimed: WebhookDelivery) -> None:
        with self._lock:
            self._in_flight[claimed.endpoint_id] += 1
        self._jobs.put(claimed)

    def _serve(self) -> None:
        """One thread that sends: a partner that hangs holds this one and no other."""
        while claimed := self._jobs.get():
            tried = guarded(delivery.attempt, claimed)
            with self._lock:
                if tried and tried.is_success:
                    self._in_trouble.discard(claimed.endpoint_id)
                else:
                    self._in_trouble.add(claimed.endpoint_id)
                self._in_flight[claimed.endpoint_id] -= 1
            self._awake.set()
        connections.close_all()

    def _repeat(self, duty: Callable[[], int]) -> None:
        while not self._stopping.is_set():
            if not guarded(duty):
                self._stopping.wait(IDLE)
        connections.close_all()


def guarded(work: Callable[..., Any], *args: Any) -> Any:
    """The worker goes on whatever fails: a database that restarts, a row that cannot be read.

    None tells that it failed. The connection may be the reason, so the next one is new.
    """
    try:
        return work(*args)
    except Exception:
        log.exception("%s failed", getattr(work, "__qualname__", work))
        connections.close_all()
        return None
