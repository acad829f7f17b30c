"""iDenfy's callback signing, and Standard Webhooks 1.0.0: the same body signed in both manners."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"


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
    return base64.b64decode(key.removeprefix(PREFIX), validate=True)
