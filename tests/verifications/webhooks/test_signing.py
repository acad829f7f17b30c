"""Receivers check our signatures with tools that are not ours."""

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from verifications.callbacks import provider
from verifications.models.webhook import new_signing_key
from verifications.webhooks import signing

BODY = json.dumps({"scanRef": "a-1", "name": "Zoë Þór"}, ensure_ascii=False).encode()


def headers(*keys: str, body: bytes = BODY) -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp())
    return {
        "webhook-id": "message-1",
        "webhook-timestamp": str(now),
        "webhook-signature": signing.standard(keys, "message-1", now, body),
    }


def test_a_new_key_is_one_of_the_specification() -> None:
    secret = base64.b64decode(new_signing_key().removeprefix("whsec_"), validate=True)
    assert 24 <= len(secret) <= 64


def test_the_public_package_accepts_our_signature() -> None:
    key = new_signing_key()
    assert Webhook(key).verify(BODY, headers(key))["scanRef"] == "a-1"


def test_while_keys_change_a_receiver_may_hold_either() -> None:
    new, old = new_signing_key(), new_signing_key()
    for key in (new, old):
        assert Webhook(key).verify(BODY, headers(new, old))


@pytest.mark.parametrize("change", ["body", "id", "timestamp", "key"])
def test_the_public_package_refuses_what_was_changed(change: str) -> None:
    key = new_signing_key()
    sent, body = headers(key), BODY
    if change == "body":
        body = BODY.replace(b"a-1", b"a-2")
    elif change == "key":
        key = new_signing_key()
    else:
        sent[f"webhook-{change}"] = "17"
    with pytest.raises(WebhookVerificationError):
        Webhook(key).verify(body, sent)


def test_a_key_of_free_text_signs_too() -> None:
    key = base64.b64encode(b"demo key of the receiver").decode()
    assert signing.standard(["demo key of the receiver"], "m", 1, BODY) == Webhook(key).sign(
        "m", datetime.fromtimestamp(1, UTC), BODY.decode()
    )


def test_idenfys_recipe_finds_the_same_signature() -> None:
    key = new_signing_key()
    assert provider.signature_matches(key, BODY, signing.idenfy(key, BODY))
    # As openssl gives it: printf '{"a":1}' | openssl dgst -sha256 -hmac key
    known = "88a67f24bbcdaed0e6c997404bb79a743baf44c6bab2f4c27328e3009d22e342"
    assert signing.idenfy("key", b'{"a":1}') == known
