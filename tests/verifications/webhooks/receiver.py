"""A partner's server on loopback, which answers as a test tells it to."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple


class Got(NamedTuple):
    path: str
    headers: dict[str, str]
    raw: bytes


Answer = Callable[["Handler", Got], None]


class Handler(BaseHTTPRequestHandler):
    server: "Receiver"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        if len(raw) < length:
            # The sender died in the middle: nothing was received.
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = Got(self.path, headers, raw)
        with self.server.lock:
            self.server.got.append(got)
        try:
            self.server.answer(self, got)
        except OSError:
            # The other side went away, which is what some tests want.
            self.close_connection = True

    do_GET = do_POST

    def say(self, code: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Answer, host: str = "127.0.0.1", port: int = 0) -> None:
        self.got: list[Got] = []
        self.lock = Lock()
        self.answer = answer
        super().__init__((host, port), Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@contextmanager
def listening(receiver: Receiver) -> Iterator[Receiver]:
    Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()


def code(number: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler, got: handler.say(number, body, **headers)


def late(seconds: float, then: Answer) -> Answer:
    def answer(handler: Handler, got: Got) -> None:
        time.sleep(seconds)
        then(handler, got)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """One after the other; the last one for good."""
    left = list(answers)

    def answer(handler: Handler, got: Got) -> None:
        with handler.server.lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(handler, got)

    return answer


def cut(handler: Handler, got: Got) -> None:
    """Promises more than it sends, and goes."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    handler.close_connection = True


def hang_up(handler: Handler, got: Got) -> None:
    handler.close_connection = True


def trickle(head: bytes, drop: bytes) -> Answer:
    def answer(handler: Handler, got: Got) -> None:
        handler.wfile.write(head)
        for _ in range(200):
            handler.wfile.write(drop)
            time.sleep(0.05)

    return answer
