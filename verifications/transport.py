"""One guarded request to an address that a stranger wrote: POST for webhooks, GET for photos.

The name is looked up once, every address behind it is checked, and the connection goes to an
address that was checked: a second answer of the name server cannot lead elsewhere. No redirects, no
proxies, one time limit for all of it, and no more is read than was asked for. Knows no model.
"""

import ipaddress
import logging
import re
import socket
import ssl
import time
from collections.abc import Mapping
from functools import cache
from http.client import HTTPException
from typing import Any, NamedTuple

from django.conf import settings
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.response import BaseHTTPResponse

USER_AGENT = "IDV-Dashboard/1"
TIMEOUT = 10.0
ANSWER_BYTES = 1024
PORTS = frozenset({443, 8443})
LONGEST_ADDRESS = 4096

# Its warnings quote the address, and a photo's address is a secret.
logging.getLogger("urllib3").setLevel(logging.ERROR)

# Read by one expression and not by a parser: what two parsers could read differently is refused.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?)"
)
# Public by the registry, and yet a way to somewhere else: relays and translations.
_DETOURS = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
]
_UNICAST = ipaddress.ip_network("2000::/3")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(Exception):
    """An address to which we do not speak; the reason is a sentence for the page."""


class Unreachable(Exception):
    """No answer, or none in time; the reason is short and holds nothing of the body."""


class Answer(NamedTuple):
    code: int
    milliseconds: int
    content: bytes
    is_whole: bool
    retry_after: str


class Target(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def allows_local() -> bool:
    """Whether this machine itself may be spoken to: only where nothing is real."""
    return settings.DEMO or settings.DEBUG


def post(
    address: str,
    raw: bytes,
    headers: Mapping[str, str],
    *,
    allow_local: bool = False,
    timeout: float = TIMEOUT,
) -> Answer:
    """Raises Forbidden or Unreachable. A redirect is an answer like any other."""
    return _ask("POST", address, raw, headers, ANSWER_BYTES, allow_local, timeout)


def get(address: str, limit: int, *, allow_local: bool = False, timeout: float = TIMEOUT) -> Answer:
    """The first `limit` bytes; `is_whole` says whether that was all. Raises as `post()` does."""
    headers = {"User-Agent": USER_AGENT, "Accept": "image/*"}
    return _ask("GET", address, None, headers, limit, allow_local, timeout)


def read(address: str, *, allow_local: bool = False) -> Target:
    """An address as it may stand in a form, before its name is looked up. Raises Forbidden."""
    found = _ADDRESS.fullmatch(address) if len(address) <= LONGEST_ADDRESS else None
    if not found:
        raise Forbidden("Use an https address on the public internet.")
    scheme, host = found["scheme"], found["host"].lower()
    if scheme == "http" and not allow_local:
        raise Forbidden("Use https.")
    port = int(found["port"] or {"https": 443, "http": 80}[scheme])
    if port not in PORTS and not (allow_local and (port == 80 or 1024 <= port <= 65535)):
        raise Forbidden("Use port 443 or 8443.")
    path = found["path"]
    return Target(scheme, host, port, path if path.startswith("/") else f"/{path}")


def is_public(ip: Ip) -> bool:
    """Whether an address is one single host on the public internet, and no way around to others."""
    if ip.is_multicast or not ip.is_global:
        return False
    if ip.version == 6 and ip not in _UNICAST:
        return False
    return not any(ip in network for network in _DETOURS if network.version == ip.version)


def _ask(
    method: str,
    address: str,
    raw: bytes | None,
    headers: Mapping[str, str],
    limit: int,
    allow_local: bool,
    timeout: float,
) -> Answer:
    started = time.monotonic()
    deadline = started + timeout
    target = read(address, allow_local=allow_local)
    try:
        places = _checked(target, allow_local)
        with _connected(target, places, deadline) as sock:
            response = _exchange(method, target, sock, raw, headers)
            content = _content(response, limit + 1)
    except (OSError, HTTPError, HTTPException, ValueError) as error:
        is_late = time.monotonic() >= deadline
        late = f"No complete answer within {timeout:g} s."
        raise Unreachable(late if is_late else _reason(error)) from None
    return Answer(
        code=response.status,
        milliseconds=round((time.monotonic() - started) * 1000),
        content=content[:limit],
        is_whole=len(content) <= limit,
        retry_after=response.headers.get("Retry-After", ""),
    )


def _content(response: BaseHTTPResponse, most: int) -> bytes:
    """Reads on until there is no more: only an empty read tells that an answer was cut off."""
    content = b""
    while len(content) < most and (more := response.read(most - len(content))):
        content += more
    return content


def _checked(target: Target, allow_local: bool) -> list[Any]:
    """Where the name leads, all of it checked: one bad address spoils the name."""
    found = socket.getaddrinfo(target.host.strip("[]"), target.port, type=socket.SOCK_STREAM)
    for *_, place in found:
        ip = ipaddress.ip_address(place[0])
        if not (is_public(ip) or (allow_local and ip.is_loopback)):
            raise Forbidden("The address does not lead to the public internet.")
    return found


def _connected(target: Target, places: list[Any], deadline: float) -> "_Plain | _Tls":
    """A socket to the first place that answers; each gets its share of the time that is left."""
    for number, (family, kind, protocol, _, place) in enumerate(places):
        sock = _Plain(family, kind, protocol)
        sock.deadline = deadline
        try:
            sock.settimeout(sock.left() / (len(places) - number))
            sock.connect(place)
            return _secured(target, sock) if target.scheme == "https" else sock
        except OSError:
            sock.close()
            if number == len(places) - 1:
                raise
    raise OSError("no place to connect to")


def _secured(target: Target, sock: "_Plain") -> "_Tls":
    """The certificate must be of the name, whatever address the connection goes to."""
    sock.settimeout(sock.left())
    secured: _Tls = _context().wrap_socket(  # type: ignore[assignment]
        sock, server_hostname=target.host.strip("[]")
    )
    secured.deadline = sock.deadline
    return secured


@cache
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _Tls
    return context


def _exchange(
    method: str,
    target: Target,
    sock: "_Plain | _Tls",
    raw: bytes | None,
    headers: Mapping[str, str],
) -> BaseHTTPResponse:
    connection = HTTPConnection(target.host, target.port)
    # It is connected already: it only speaks.
    connection.sock = sock
    connection.request(
        method,
        target.path,
        body=raw,
        headers={**headers, "Host": target.host_header, "Connection": "close"},
        preload_content=False,
        decode_content=False,
    )
    return connection.getresponse()


class _Timed(socket.socket):
    """A socket whose every step has only the time that is left, so that no trickle prolongs it."""

    deadline = 0.0

    def left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def recv_into(self, *args: Any) -> int:
        self.settimeout(self.left())
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self.settimeout(self.left())
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        self.settimeout(self.left())
        super().sendall(*args)


class _Plain(_Timed):
    pass


class _Tls(_Timed, ssl.SSLSocket):
    pass


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate does not hold: {error.verify_message}."[:200]
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return f"The connection failed ({type(error).__name__})."


_REASONS: list[tuple[type[Exception], str]] = [
    (socket.gaierror, "The address was not found."),
    (UnicodeError, "The address was not found."),
    (ssl.SSLError, "No secure connection."),
    (ConnectionRefusedError, "The connection was refused."),
    (ConnectionError, "The connection was closed before a whole answer."),
    (ProtocolError, "The connection was closed before a whole answer."),
    (HTTPException, "The answer is not of HTTP."),
    (TimeoutError, "The address does not answer."),
]
