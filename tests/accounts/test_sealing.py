"""What is sealed opens with its key and in its place, and nowhere else."""

import base64
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from accounts import sealing
from accounts.sealing import DoesNotOpen, Place

HERE = Place("table", "column", "row", "partner", "owner")
texts = st.text(max_size=12)
places = st.builds(Place, texts, texts, texts, texts, texts)
keys = st.binary(min_size=32, max_size=32)


def master() -> str:
    return base64.b64encode(sealing.new_key()).decode()


@given(key=keys, content=st.binary(max_size=300), place=places)
def test_what_was_sealed_comes_back(key: bytes, content: bytes, place: Place) -> None:
    sealed = sealing.seal(key, content, place)
    assert sealing.unseal(key, sealed, place) == content
    assert sealing.unwrap(sealing.wrap(content, place), place) == content


@given(content=st.binary(min_size=8, max_size=99))
def test_what_is_sealed_tells_nothing(content: bytes) -> None:
    key = sealing.new_key()
    sealed, again = (sealing.seal(key, content, HERE) for _ in range(2))
    assert content not in sealed
    assert sealed != again


@given(content=st.binary(max_size=40), one=places, other=places)
def test_it_opens_in_its_place_only(content: bytes, one: Place, other: Place) -> None:
    key = sealing.new_key()
    for sealed, opens in (
        (sealing.seal(key, content, one), lambda it: sealing.unseal(key, it, other)),
        (sealing.wrap(content, one), lambda it: sealing.unwrap(it, other)),
    ):
        if one == other:
            assert opens(sealed) == content
        else:
            with pytest.raises(DoesNotOpen):
                opens(sealed)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HERE._replace(table="ab", column="c"), HERE._replace(table="a", column="bc")),
        (HERE._replace(row='a","b'), HERE._replace(row="a", partner="b")),
        (HERE._replace(row="1"), HERE._replace(row="11")),
    ],
)
def test_two_places_are_never_written_alike(one: Place, other: Place) -> None:
    assert one.bound(b"") != other.bound(b"")


@given(data=st.data(), content=st.binary(max_size=40))
def test_a_changed_byte_shows(data: Any, content: bytes) -> None:
    key = sealing.new_key()
    for sealed, opens in (
        (sealing.seal(key, content, HERE), lambda it: sealing.unseal(key, it, HERE)),
        (sealing.wrap(content, HERE), lambda it: sealing.unwrap(it, HERE)),
    ):
        where = data.draw(st.integers(0, len(sealed) - 1))
        bit = 1 << data.draw(st.integers(0, 7))
        changed = bytearray(sealed)
        changed[where] ^= bit
        with pytest.raises(DoesNotOpen):
            opens(bytes(changed))
        with pytest.raises(DoesNotOpen):
            opens(sealed[:where])


@given(garbage=st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(garbage: bytes) -> None:
    with pytest.raises(DoesNotOpen):
        sealing.unseal(sealing.new_key(), garbage, HERE)
    with pytest.raises(DoesNotOpen):
        sealing.unwrap(garbage, HERE)


def test_another_key_opens_nothing() -> None:
    sealed = sealing.seal(sealing.new_key(), b"content", HERE)
    with pytest.raises(DoesNotOpen):
        sealing.unseal(sealing.new_key(), sealed, HERE)


def test_a_former_master_opens_and_wraps_no_more(settings: Any) -> None:
    former, present = master(), master()
    settings.DATA_KEY = former
    wrapped = sealing.wrap(b"secret", HERE)
    assert sealing.masters() == [sealing.master_of(wrapped)]
    settings.DATA_KEY, settings.DATA_KEY_FALLBACKS = present, [former]
    assert sealing.unwrap(wrapped, HERE) == b"secret"
    assert sealing.master_of(sealing.wrap(b"new", HERE)) == sealing.masters()[0]
    settings.DATA_KEY_FALLBACKS = []
    with pytest.raises(DoesNotOpen):
        sealing.unwrap(wrapped, HERE)


@pytest.mark.parametrize("key", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_master_key_that_is_none_is_named_without_its_value(key: str, settings: Any) -> None:
    settings.DATA_KEY = key
    with pytest.raises(ImproperlyConfigured, match="DATA_KEY") as told:
        sealing.masters()
    assert not key or key not in str(told.value)


@given(one=st.text(), other=st.text())
def test_a_keyed_hash_tells_equal_from_other(one: str, other: str) -> None:
    key = sealing.new_key()
    same = sealing.keyed_hash(key, one) == sealing.keyed_hash(key, other)
    assert same == (one == other)
    assert sealing.keyed_hash(sealing.new_key(), one) != sealing.keyed_hash(key, one)
