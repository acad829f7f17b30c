"""iDenfy's callback signing, and Standard Webhooks 1.0.0: the same body signed in both manners."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence

from verifications.transport import USER_AGENT

PREFIX = "whsec_"
_OURS = re.compile(
    r"(?:idenfy|webhook|proxy|sec|content)-.*|host|connection|keep-alive|transfer-encoding|te"
    r"|trailer|upgrade|expect|user-agent|accept-encoding",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,498}[\x21-\x7e])?")


def headers(
    keys: Sequence[str],
    raw: bytes,
    *,
    event: str,
    message_id: str,
    sequence: int,
    timestamp: int,
    own: Mapping[str, str],
) -> dict[str, str]:
    """All that stands on the envelope; the partner's own headers never replace ours.

    Messages count from one: number nought is a test, which tells of nobody, and says so.
    """
    test = {} if sequence else {"Webhook-Test": "1"}
    return {name: value for name, value in own.items() if may_be_own(name, value)} | {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Idenfy-Event-Type": event,
        "Idenfy-Signature": idenfy(keys[0], raw),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard(keys, message_id, timestamp, raw),
        "Webhook-Sequence": str(sequence),
        **test,
    }


def may_be_own(name: str, value: str) -> bool:
    """Whether a partner may ask for this header: one line of ASCII, under no name of ours."""
    is_text = isinstance(value, str) and _VALUE.fullmatch(value)
    return bool(_NAME.fullmatch(name) and not _OURS.fullmatch(name) and is_text)


def idenfy(key: str, raw: bytes) -> str:
    """Lowercase hex HMAC-SHA256 of the body; the key is the text as it was shown, prefix and all.

    Nothing in it tells of the moment: a receiver needs the other signature to refuse a replay.
    """
    return hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()


def standard(keys: Iterable[str], message_id: str, timestamp: int, raw: bytes) -> str:
    """One signature a key, the current key first, so that receivers may change keys in peace."""
    signed = f"{message_id}.{timestamp}.".encode() + raw
    return " ".join(f"v1,{_signature(_secret(key), signed)}" for key in keys)


def _signature(secret: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _secret(key: str) -> bytes:
    """The specification's form is whsec_ and base64; any other text is taken as it stands."""
    if not key.startswith(PREFIX):
        return key.encode()
    try:
        return base64.b64decode(key.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return key.encode()
