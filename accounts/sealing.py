"""What is sealed opens only with its key and in its place. Knows no model.

AES-256-GCM. A data key seals what belongs to one owner; the master key of DATA_KEY wraps data keys
and the few secrets that stand alone. A wrapping tells its master by a short id, so that former
masters (DATA_KEY_FALLBACKS) still open what nobody has wrapped anew.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
NONCE_BYTES = 12
ID_BYTES = 8
# The first byte says how the rest is to be read.
SEALED, WRAPPED = b"\x01", b"\x02"


class DoesNotOpen(Exception):
    """Another key, another place, tampered with, or erased: whichever, nothing comes out."""


class Place(NamedTuple):
    """Where something sealed belongs. Moved to another row, column or partner it does not open."""

    table: str
    column: str
    row: str
    partner: str = ""
    owner: str = ""

    def bound(self, form: bytes) -> bytes:
        return form + json.dumps(self, separators=(",", ":")).encode()


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def seal(key: bytes, content: bytes, place: Place) -> bytes:
    return SEALED + _encrypted(key, content, place.bound(SEALED))


def unseal(key: bytes, sealed: bytes, place: Place) -> bytes:
    """Raises DoesNotOpen."""
    if sealed[:1] != SEALED:
        raise DoesNotOpen
    return _decrypted(key, sealed[1:], place.bound(SEALED))


def wrap(content: bytes, place: Place) -> bytes:
    """Under the master key of today."""
    identity, key = next(iter(_masters().items()))
    return WRAPPED + bytes.fromhex(identity) + _encrypted(key, content, place.bound(WRAPPED))


def unwrap(wrapped: bytes, place: Place) -> bytes:
    """Raises DoesNotOpen."""
    key = _masters().get(master_of(wrapped))
    if key is None or wrapped[:1] != WRAPPED:
        raise DoesNotOpen
    return _decrypted(key, wrapped[1 + ID_BYTES :], place.bound(WRAPPED))


def master_of(wrapped: bytes) -> str:
    """The short id of the master key that it was wrapped under."""
    return wrapped[1 : 1 + ID_BYTES].hex()


def masters() -> list[str]:
    """Ids of the master keys that we have; the first is the one of today."""
    return list(_masters())


def keyed_hash(key: bytes, text: str) -> str:
    """The same text gives the same hash under the same key; without the key it tells nothing."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _encrypted(key: bytes, content: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound)


def _decrypted(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise DoesNotOpen from None


def _masters() -> dict[str, bytes]:
    return _read(settings.DATA_KEY, *settings.DATA_KEY_FALLBACKS)


@lru_cache(maxsize=8)
def _read(*keys: str) -> dict[str, bytes]:
    return {_identity(key): key for key in map(_key, keys)}


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ImproperlyConfigured("DATA_KEY: use base64 of 32 random bytes.")
    return key


def _identity(key: bytes) -> str:
    return hashlib.sha256(b"idv-master-key-id\0" + key).hexdigest()[: 2 * ID_BYTES]
