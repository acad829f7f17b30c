"""To whom we speak, and how long we listen."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.verifications.webhooks import receiver
from tests.verifications.webhooks.receiver import Receiver
from verifications import transport

Serve = Callable[[receiver.Answer], Receiver]


def post(address: str, raw: bytes = b"{}", **more: Any) -> transport.Answer:
    more = {"headers": {"X-Own": "1"}, "allow_local": True, "timeout": 5} | more
    return transport.post(address, raw, **more)


PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::200e"]
NOT_PUBLIC = """
    127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 169.254.169.254
    172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1
    198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808
    64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:10::1 2001:db8::1 2002:7f00:1:: 2002:808:808::
    3fff::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 4000::1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_is_public(ip: str) -> None:
    assert transport.is_public(ip_address(ip))


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_an_address_inside_or_around_is_not_public(ip: str) -> None:
    assert not transport.is_public(ip_address(ip))


# PORT stands for a port that everything on this machine listens on.
TARGETS = r"""
    https://127.0.0.1:PORT/  http://127.0.0.1:PORT/  https://localhost:PORT/
    https://LOCALHOST.:PORT/  https://127.1:PORT/  https://127.0.1:PORT/  https://0:PORT/
    https://0.0.0.0:PORT/  https://2130706433:PORT/  https://0x7f000001:PORT/
    https://0x7f.1:PORT/  https://017700000001:PORT/  https://0177.0.0.1:PORT/
    https://[::1]:PORT/  https://[::]:PORT/  https://[::ffff:127.0.0.1]:PORT/
    https://[::ffff:7f00:1]:PORT/  https://[0:0:0:0:0:0:0:1]:PORT/  https://[::127.0.0.1]:PORT/
    https://[64:ff9b::7f00:1]:PORT/  https://[2002:7f00:1::]:PORT/  https://[fe80::1%lo]:PORT/
    https://user@127.0.0.1:PORT/  https://user:word@127.0.0.1:PORT/
    https://hooks.example@127.0.0.1:PORT/  https://hooks.example\@127.0.0.1:PORT/
    https://127.0.0.1:PORT\@hooks.example/  https://127.0.0.1:PORT#@hooks.example/
    https://hooks.example:PORT@127.0.0.1:PORT/  https:127.0.0.1:PORT/  //127.0.0.1:PORT/
    https:///127.0.0.1:PORT/  https://127。0。0。1:PORT/  https://①②⑦.0.0.1:PORT/
    https://ⓛocalhost:PORT/  https://localhost%00.hooks.example:PORT/
    https://inside.test:PORT/  https://one-of-two.test:PORT/  https://mapped.test:PORT/
    https://metadata.test:PORT/  javascript:fetch("https://127.0.0.1:PORT/")
    file:///etc/hostname  gopher://127.0.0.1:PORT/  unix:///run/x.sock
""".split()  # noqa: SIM905
NAMES = {
    "inside.test": ["127.0.0.1"],
    "one-of-two.test": ["8.8.8.8", "127.0.0.1"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "hooks.example": ["8.8.8.8"],
    "localhost%00.hooks.example": ["127.0.0.1"],
}


def name_server(names: dict[str, list[str]], asked: list[str]) -> Callable[..., Any]:
    """Instead of the machine's own: no test asks the network."""
    known = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        if host not in names:
            return known(
                host, port, flags=socket.AI_NUMERICHOST * ("localhost" not in host), **more
            )
        return [found for ip in names[host] for found in known(ip, port, **more)]

    return getaddrinfo


@pytest.fixture
def everywhere() -> Iterator[socket.socket]:
    """Listens on every address of this machine, of both families."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        listener.settimeout(0.02)
        yield listener


def connections_to(listener: socket.socket) -> int:
    found = 0
    while True:
        try:
            listener.accept()[0].close()
        except TimeoutError:
            return found
        found += 1


def test_there_are_forty_ways_to_try() -> None:
    assert len(TARGETS) >= 40


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_inside_is_ever_connected_to(
    target: str, everywhere: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = everywhere.getsockname()[1]
    # Even were its port allowed.
    monkeypatch.setattr(transport, "PORTS", {port})
    monkeypatch.setattr(socket, "getaddrinfo", name_server(NAMES, []))
    with pytest.raises((transport.Forbidden, transport.Unreachable)):
        post(target.replace("PORT", str(port)), allow_local=False, timeout=1)
    assert connections_to(everywhere) == 0


def test_the_listener_would_notice(everywhere: socket.socket) -> None:
    with pytest.raises(transport.Unreachable):
        post(f"http://127.0.0.1:{everywhere.getsockname()[1]}/", timeout=0.2)
    assert connections_to(everywhere) == 1


def test_a_name_that_changes_its_mind_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    names = {"rebind.test": ["8.8.8.8"]}
    connected = []

    def connect(self: Any, place: Any) -> None:
        connected.append(place)
        raise ConnectionRefusedError

    def turn(*args: Any, **more: Any) -> Any:
        found = name_server(names, asked)(*args, **more)
        names["rebind.test"] = ["127.0.0.1"]
        return found

    known = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *a, **k: known(*a, **k) if a[0] != "rebind.test" else turn(*a, **k),
    )
    monkeypatch.setattr(transport._Plain, "connect", connect)
    with pytest.raises(transport.Unreachable):
        post("https://rebind.test/", allow_local=False)
    assert connected == [("8.8.8.8", 443)]
    assert asked.count("rebind.test") == 1


@pytest.mark.parametrize(
    ("address", "allow_local", "is_fine"),
    [
        ("https://hooks.partner.example/idv?a=1&b=%20", False, True),
        ("https://hooks.partner.example:8443", False, True),
        ("https://[2606:4700::1111]/", False, True),
        ("http://hooks.partner.example/", False, False),
        ("http://localhost:8000/demo/", True, True),
        ("https://hooks.partner.example:22/", False, False),
        ("https://hooks.partner.example:22/", True, False),
        ("https://hooks.partner.example:8000/", False, False),
        ("https://hooks.partner.example:99999/", True, False),
        ("https://hooks.partner.example/a b", False, False),
        ("https://hooks.partner.example/\r\nX: y", False, False),
        ("https://hooks.partner.example/a#b", False, False),
        ("https://hooks.partner.example/" + "a" * 4100, False, False),
        ("https://-x/", False, False),
        ("", False, False),
    ],
)
def test_an_address_is_judged_before_its_name_is_looked_up(
    address: str, allow_local: bool, is_fine: bool
) -> None:
    try:
        transport.read(address, allow_local=allow_local)
    except transport.Forbidden as refusal:
        assert not is_fine
        assert str(refusal).endswith(".")
    else:
        assert is_fine


def test_the_body_and_the_headers_arrive_as_they_were_given(serve: Serve) -> None:
    server = serve(receiver.code(202, b"thanks"))
    answer = post(
        f"{server.address}?a=1", "Þór".encode(), headers={"X-Own": "1", "User-Agent": "me"}
    )
    assert (answer.code, answer.content, answer.is_whole) == (202, b"thanks", True)
    (got,) = server.got
    assert (got.path, got.raw) == ("/hook?a=1", "Þór".encode())
    assert got.headers["x-own"] == "1"
    assert got.headers["user-agent"] == "me"
    assert got.headers["host"] == f"127.0.0.1:{server.port}"


def test_of_a_long_answer_the_first_kibibyte_is_kept(serve: Serve) -> None:
    answer = post(serve(receiver.code(200, b"x" * 5_000_000)).address)
    assert (len(answer.content), answer.is_whole) == (1024, False)


def test_a_picture_is_read_up_to_its_limit(serve: Serve) -> None:
    server = serve(receiver.code(200, b"x" * 5000))
    assert transport.get(server.address, 5000, allow_local=True).is_whole
    cut = transport.get(server.address, 4999, allow_local=True)
    assert (len(cut.content), cut.is_whole) == (4999, False)


def test_a_redirect_is_an_answer_and_not_a_way(serve: Serve) -> None:
    elsewhere = serve(receiver.code(200))
    server = serve(receiver.code(302, Location=elsewhere.address))
    assert post(server.address).code == 302
    assert elsewhere.got == []


def test_a_proxy_of_the_environment_is_not_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(receiver.code(500)), serve(receiver.code(200))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.address)
    assert post(server.address).code == 200
    assert proxy.got == []


HEAD = b"HTTP/1.1 200 OK\r\n"
SLOW = {
    "no answer": receiver.late(2, receiver.code(200)),
    "a status that trickles": receiver.trickle(b"HTTP", b" "),
    "headers that trickle": receiver.trickle(HEAD, b"X-A: b\r\n"),
    "a body that trickles": receiver.trickle(HEAD + b"Content-Length: 999\r\n\r\n", b"x"),
    "chunks that trickle": receiver.trickle(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"
    ),
    "endless promises": receiver.trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("name", SLOW)
def test_the_time_limit_is_one_for_all_of_it(serve: Serve, name: str) -> None:
    server = serve(SLOW[name])
    started = time.monotonic()
    with pytest.raises(transport.Unreachable, match=r"No complete answer within 0\.4 s\."):
        post(server.address, timeout=0.4)
    assert 0.35 < time.monotonic() - started < 0.9


def test_a_receiver_that_reads_slowly_does_not_prolong_it(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        started = time.monotonic()
        with pytest.raises(transport.Unreachable):
            post(f"http://127.0.0.1:{deaf.getsockname()[1]}/", b"x" * 20_000_000, timeout=0.4)
    assert time.monotonic() - started < 0.9


@pytest.mark.parametrize("answer", [receiver.cut, receiver.hang_up])
def test_an_answer_that_was_cut_off_is_none(serve: Serve, answer: receiver.Answer) -> None:
    with pytest.raises(transport.Unreachable, match="closed before a whole answer"):
        post(serve(answer).address)


def test_nobody_there_is_told_in_few_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(transport.Unreachable, match="The connection was refused"):
        post(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("nonsense", [b"SSH-2.0-server\r\n", b"\x16\x03\x01\r\n", b"X" * 70_000])
def test_what_is_not_http_is_told_as_such(serve: Serve, nonsense: bytes) -> None:
    def answer(handler: receiver.Handler, got: receiver.Got) -> None:
        handler.wfile.write(nonsense)
        handler.close_connection = True

    with pytest.raises(transport.Unreachable):
        post(serve(answer).address)


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Speaks TLS under a certificate of localhost, which we trust for this once."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = tmp_path / "both.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    transport._context.cache_clear()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    server = Receiver(receiver.code(200, b"secret"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with receiver.listening(server):
        yield server
    transport._context.cache_clear()


def test_the_certificate_must_be_of_the_name_that_was_asked_for(secure: Receiver) -> None:
    address = f"https://localhost:{secure.port}/"
    assert post(address).content == b"secret"
    assert secure.got[0].headers["host"] == f"localhost:{secure.port}"
    with pytest.raises(transport.Unreachable, match="The certificate does not hold"):
        post(address.replace("localhost", "127.0.0.1"))
    assert len(secure.got) == 1


def test_a_certificate_of_nobody_we_know_is_refused(
    secure: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    transport._context.cache_clear()
    with pytest.raises(transport.Unreachable, match="The certificate does not hold"):
        post(f"https://localhost:{secure.port}/")


def test_over_tls_too_a_trickle_does_not_prolong_it(secure: Receiver) -> None:
    secure.answer = SLOW["a body that trickles"]
    started = time.monotonic()
    with pytest.raises(transport.Unreachable, match="No complete answer"):
        post(f"https://localhost:{secure.port}/", timeout=0.5)
    assert time.monotonic() - started < 1


def test_a_handshake_that_never_comes_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        started = time.monotonic()
        with pytest.raises(transport.Unreachable, match="No complete answer"):
            post(f"https://127.0.0.1:{deaf.getsockname()[1]}/", timeout=0.4)
    assert time.monotonic() - started < 0.9
