"""Northbank's own system, played: it keeps what it got, and says whether it was rightly signed.

One line of JSON a message, in a file beside the database; the newest hundred stay.
"""

import fcntl
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.utils import timezone

from verifications.models import WebhookEndpoint
from verifications.webhooks import signing

PARTNER = "northbank"
ADDRESS = "/demo/receiver/inbox/"
LARGEST = 2 * 1024 * 1024
KEPT = 100
# How far apart the clocks may be; what is older may have been sent by somebody who listened.
TOLERANCE = 5 * 60
LONGEST_HEADER = 200
SHOWN = 64 * 1024
# Laid out line by line, what is nested deeply grows a hundredfold and more.
LAID_OUT = 16 * 1024


@dataclass(frozen=True)
class Message:
    """One message as it arrived."""

    received_at: str
    event: str
    message_id: str
    sequence: str
    scan_ref: str
    status: str
    is_signed: bool
    is_signed_as_standard: bool
    body: str

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.received_at)

    @property
    def is_right(self) -> bool:
        return self.is_signed and self.is_signed_as_standard


def keep(headers: Mapping[str, str], raw: bytes) -> Message:
    """Notes a message, whether its signatures are right or not."""
    keys = _keys()
    message = Message(
        received_at=timezone.now().isoformat(),
        event=_header(headers, "Idenfy-Event-Type"),
        message_id=_header(headers, "Webhook-Id"),
        sequence=_header(headers, "Webhook-Sequence"),
        is_signed=_is_signed(keys, headers, raw),
        is_signed_as_standard=_is_signed_as_standard(keys, headers, raw),
        **_read(raw),
    )
    with _file("a+", fcntl.LOCK_EX) as file:
        lines = [*_lines(file), json.dumps(asdict(message))][-KEPT:]
        file.seek(0)
        file.truncate()
        file.write("".join(f"{line}\n" for line in lines))
    return message


def messages() -> list[Message]:
    """Newest first."""
    with _file("a+", fcntl.LOCK_SH) as file:
        kept = [_message(line) for line in reversed(_lines(file))]
    return [message for message in kept if message]


def _message(line: str) -> Message | None:
    """None for a line that was cut off, or written by another version."""
    try:
        return Message(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _path() -> Path:
    return Path(settings.DATA_DIR) / "demo-receiver.jsonl"


@contextmanager
def _file(mode: str, lock: int) -> Iterator[IO[str]]:
    path = _path()
    path.touch(mode=0o600)
    with path.open(mode, encoding="utf-8") as file:
        fcntl.flock(file, lock)
        yield file


def _lines(file: IO[str]) -> list[str]:
    file.seek(0)
    return file.read().splitlines()


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "")[:LONGEST_HEADER]


def _keys() -> list[str]:
    """Those of Northbank's endpoints that point here; during a change of keys the former ones."""
    endpoints = WebhookEndpoint.objects.filter(
        partner__key=PARTNER, address__endswith=ADDRESS, removed_at=None
    )
    now = timezone.now()
    keys = []
    for endpoint in endpoints:
        keys.append(endpoint.signing_key)
        if endpoint.former_key and endpoint.former_key_until and endpoint.former_key_until > now:
            keys.append(endpoint.former_key)
    return keys


def _is_signed(keys: Iterable[str], headers: Mapping[str, str], raw: bytes) -> bool:
    given = _header(headers, "Idenfy-Signature").encode()
    return any(hmac.compare_digest(signing.idenfy(key, raw).encode(), given) for key in keys)


def _is_signed_as_standard(keys: Iterable[str], headers: Mapping[str, str], raw: bytes) -> bool:
    stamp = _header(headers, "Webhook-Timestamp")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    if abs(timezone.now().timestamp() - int(stamp)) > TOLERANCE:
        return False
    identity = _header(headers, "Webhook-Id")
    given = headers.get("Webhook-Signature", "").encode().split()
    wanted = [signing.standard([key], identity, int(stamp), raw).encode() for key in keys]
    return any(hmac.compare_digest(one, other) for one in wanted for other in given)


def _read(raw: bytes) -> dict[str, Any]:
    """What the page shows of a body, which may be anything."""
    text = raw.decode("utf-8", "replace")
    try:
        body = json.loads(text)
        indent = 2 if len(text) <= LAID_OUT else None
        shown = json.dumps(body, ensure_ascii=False, indent=indent)
        shown.encode()
    except (ValueError, RecursionError):
        return {"scan_ref": "", "status": "", "body": _shown(text)}
    told = body if isinstance(body, dict) else {}
    status = told.get("status")
    overall = status.get("overall") if isinstance(status, dict) else ""
    return {"scan_ref": _text(told.get("scanRef")), "status": _text(overall), "body": _shown(shown)}


def _text(value: Any) -> str:
    return value[:LONGEST_HEADER] if isinstance(value, str) else ""


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n… and so on, {len(text)} signs in all"
