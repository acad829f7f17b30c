"""The provider's dialect by itself: how bodies are signed, read and understood. No database."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import factories
from verifications.callbacks import provider
from verifications.statuses import Status

AUTO = "IDENTIFICATION_AUTO_FINISHED"


def refused(raw: bytes, event: str = AUTO) -> tuple[str, str]:
    with pytest.raises(provider.Unreadable) as refusal:
        provider.read(raw, event)
    return refusal.value.stage, refusal.value.problem


def understood(sample: str = "01", **changes: Any) -> provider.Received:
    event, raw = factories.sample(sample, **changes)
    return provider.identification(provider.read(raw, event))


def with_value(written: str, key: str = "somethingNew") -> bytes:
    """A good body in which one value is written exactly so."""
    return json.dumps(factories.body("01") | {key: "@@"}).replace('"@@"', written).encode()


def test_the_signature_is_the_hex_hmac_sha256_of_the_raw_body() -> None:
    """The widely published example of this function, computed by others."""
    assert (
        provider.signature("key", b"The quick brown fox jumps over the lazy dog")
        == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )


@pytest.mark.parametrize("change", [str.upper, lambda s: s[:-1], lambda s: f" {s}", lambda s: "ÿ"])
def test_a_signature_matches_whole_or_not_at_all(change: Any) -> None:
    right = provider.signature("key", b"body")
    assert provider.signature_matches("key", b"body", right)
    assert not provider.signature_matches("key", b"body", change(right))


def test_a_signature_tells_of_every_byte_and_of_the_key() -> None:
    right = provider.signature("key", b"body\n")
    assert not provider.signature_matches("key", b"body", right)
    assert not provider.signature_matches("kez", b"body\n", right)


@pytest.mark.parametrize("header", ["", "identification", "DELETE EVERYTHING", "é", "X" * 5000])
def test_an_event_that_we_do_not_know_counts_as_identification(header: str) -> None:
    assert provider.event_of(header) == "IDENTIFICATION"


@pytest.mark.parametrize("event", [*provider.EVENTS, provider.EXPIRATION])
def test_a_known_event_is_kept(event: str) -> None:
    assert provider.event_of(event) == event


# Each of these is wrong in its own way, and in every later way too.
WRONG = [
    ("decode", b'\xff"' + b"[" * 40),
    ("depth", b"[" * 40 + b'{"a": NaN'),
    ("parse", b'[NaN, "\\ud800"]'),
    ("text", b'["\\ud800"]'),
    ("schema", b"[]"),
]


@pytest.mark.parametrize(("stage", "raw"), WRONG)
def test_the_first_stage_that_fails_answers(stage: str, raw: bytes) -> None:
    assert refused(raw)[0] == stage


def test_32_levels_are_read_and_33_are_not() -> None:
    assert provider.read(with_value("[" * 31 + "]" * 31), AUTO)
    assert refused(with_value("[" * 32 + "]" * 32)) == ("depth", "more than 32 levels")


@pytest.mark.parametrize("text", ["[" * 5000, '\\"' + "{" * 5000, "\\\\", '\\\\\\"[[['])
def test_brackets_inside_a_text_are_no_levels(text: str) -> None:
    body = provider.read(with_value(f'"{text}"'), AUTO)
    assert body["somethingNew"] == json.loads(f'"{text}"')


def test_brackets_after_a_text_that_ends_in_a_backslash_are_levels() -> None:
    assert refused(with_value('["\\\\", ' + "[" * 40 + "]" * 40 + "]"))[0] == "depth"


@pytest.mark.parametrize("tail", [b"", b"\\"])
def test_a_text_that_never_ends_costs_one_walk_through_it(tail: bytes) -> None:
    began = time.perf_counter()
    assert refused(b'"' + b'\\"' * 20_000 + tail)[0] == "parse"
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("where", ["", "status", "data"])
def test_a_key_that_stands_twice_is_refused_at_any_depth(where: str) -> None:
    twice = '{"key": 1, "key": 1}'
    raw = with_value(twice) if not where else with_value(f'{{"{where}": [{twice}]}}')
    assert refused(raw) == ("parse", "a key stands twice")


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "01", "+1", "1.", "'x'", "x"])
def test_what_python_or_javascript_would_take_is_no_json(written: str) -> None:
    assert refused(with_value(written))[0] == "parse"


@pytest.mark.parametrize("written", ["1e999", "-1e999", "9" * 4000, "1e-999", "-0", '"\\u0000"'])
def test_odd_values_of_unknown_keys_cost_nothing(written: str) -> None:
    provider.identification(provider.read(with_value(written), AUTO))


def test_half_a_surrogate_pair_in_a_key_is_refused() -> None:
    assert refused(with_value('{"\\udc00": 1}'))[0] == "text"


@pytest.mark.parametrize("key", ["a\0b", "Anna Kovács", "a\nb", "x" * 100])
def test_a_problem_is_a_path_in_plain_signs(key: str) -> None:
    raw = json.dumps(factories.body("01", fileUrls={key: 5})).encode()
    stage, problem = refused(raw)
    assert stage == "schema"
    assert problem.startswith("fileUrls/")
    assert problem.isascii()
    assert problem.isprintable()
    assert len(problem) <= 200


@pytest.mark.parametrize("missing", ["scanRef", "clientId", "status"])
def test_three_keys_are_required(missing: str) -> None:
    told = factories.body("01")
    del told[missing]
    assert refused(json.dumps(told).encode())[0] == "schema"


def test_all_else_may_be_missing() -> None:
    told = {"scanRef": "x", "clientId": "y", "status": {"overall": "APPROVED"}}
    received = provider.identification(provider.read(json.dumps(told).encode(), AUTO))
    assert (received.name, received.started_at, received.photos) == ("", None, {})
    assert not received.is_final


def test_an_expiration_is_read_by_its_own_form() -> None:
    _, raw = factories.sample("24")
    assert provider.read(raw, provider.EXPIRATION)["expirationThreshold"]
    assert refused(raw, AUTO)[0] == "schema"
    assert refused(factories.sample("01")[1], provider.EXPIRATION)[0] == "schema"


@pytest.mark.parametrize(
    ("face", "document", "status"),
    [
        ("FACE_MATCH", "DOC_VALIDATED", Status.APPROVED),
        ("FACE_NOT_CHECKED", "DOC_VALIDATED", Status.APPROVED),
        ("FACE_MISMATCH", "DOC_VALIDATED", Status.DENIED),
        ("FACE_MATCH", "DOC_FAKE", Status.DENIED),
        ("FACE_MATCH", "DOC_NEVER_SEEN", Status.DENIED),
        ("face_match", "DOC_VALIDATED", Status.DENIED),
        ("", "", Status.DENIED),
    ],
)
def test_suspected_is_told_by_what_passed(face: str, document: str, status: Status) -> None:
    results = {"manualFace": face, "autoFace": face}
    results |= {"manualDocument": document, "autoDocument": document}
    assert understood("07", status=results).standing == (status, True)


def test_results_of_a_person_count_before_those_of_the_machine() -> None:
    it = understood("07", status={"manualFace": "FACE_MISMATCH"})
    assert it.standing == (Status.DENIED, True)
    it = understood("07", status={"manualFace": "", "manualDocument": None})
    assert (it.manual_face, it.manual_document) == ("FACE_MATCH", "DOC_VALIDATED")


@pytest.mark.parametrize("status", list(Status))
def test_every_status_of_ours_is_a_word_of_the_provider(status: Status) -> None:
    assert understood(status={"overall": str(status)}).standing == (status, False)


@pytest.mark.parametrize(
    "word", ["approved", "APPROVED ", " APPROVED", "APPROVED_PENDING", "NOT_APPROVED", "АPPROVED"]
)
def test_a_word_counts_whole_or_not_at_all(word: str) -> None:
    it = understood(status={"overall": word})
    assert (it.standing, it.overall) == (None, word)


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_794_816_000.0, datetime(2026, 11, 16, 8, tzinfo=UTC)),
        (253_402_300_799, None),
        (None, None),
    ],
)
def test_times_are_unix_seconds_that_every_clock_can_show(
    seconds: float | None, moment: datetime | None
) -> None:
    assert understood(startTime=seconds).started_at == moment


@pytest.mark.parametrize("day", ["", None, "soon", "31.12.2030", "2030-02-30", "9" * 100])
def test_a_day_that_cannot_be_read_is_no_day(day: str | None) -> None:
    assert understood(data={"docExpiry": day}).document_expires_on is None


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("https://media.example.test/a.png?x=1", True),
        ("http://192.0.2.1/a.png", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt://media.example.test/%0aalert(1)", False),
        ("data:image/png;base64,AAAA", False),
        ("file:///etc/passwd", False),
        ("//media.example.test/a.png", False),
        ("https://", False),
        ("https://name@127.0.0.1/", False),
        ("https://[::1", False),
        ("a.png", False),
        ("", False),
    ],
)
def test_only_plain_web_addresses_are_tried(address: str, usable: bool) -> None:
    assert provider.is_usable_link(address) == usable


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(sorted(factories.body("01") | {"somethingNew": 0}))
INNER = st.sampled_from(sorted([*factories.body("07")["status"], *factories.body("07")["data"]]))


@settings(deadline=None)
@given(key=KEYS, inner=INNER, value=JSON, deep=st.booleans())
def test_a_body_is_understood_or_refused_and_nothing_else(
    key: str, inner: str, value: Any, deep: bool
) -> None:
    told = factories.body("07")
    if deep and isinstance(told.get(key), dict):
        told[key][inner] = value
    else:
        told[key] = value
    try:
        provider.identification(provider.read(json.dumps(told).encode(), AUTO))
    except provider.Unreadable as refusal:
        assert refusal.stage in {"depth", "parse", "text", "schema"}


@settings(deadline=None)
@given(raw=st.binary() | st.text(alphabet='[]{}":,\\0e+-.naIN \ufeff').map(str.encode))
def test_any_bytes_are_refused_with_a_stage(raw: bytes) -> None:
    stage, problem = refused(raw)
    assert stage in {"decode", "depth", "parse", "text", "schema"}
    assert problem
