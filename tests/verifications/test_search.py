"""What is found by what is typed."""

from collections.abc import Callable

import pytest

from accounts.models import Partner, User
from tests import factories
from tests.verifications import rows
from verifications import question, search, vault
from verifications.forms import Filters
from verifications.models import Verification

Find = Callable[[str], list[str]]


@pytest.fixture
def find(ada: User) -> Find:
    """The names that Ada finds, newest first."""

    def find(text: str) -> list[str]:
        member = factories.membership(ada)
        number_hash = vault.number_hash(member.partner_id, text)
        asked = question.Question(member, Filters(q=text, number_hash=number_hash))
        return [row.name for row in asked.page().rows]

    return find


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Inés Duarte", "ines"),
        ("INÉS DUARTE", "inés"),
        ("Ine\u0301s Duarte", "in\u00e9s"),
        ("Alma Veske", "veske alma"),
        ("Alma Veske", "ske lm"),
        ("Mateus Figueira da Conceição Albuquerque", "conceicao mateus"),
        ("Søren Brix", "soren"),
        ("Łukasz Wójcik", "lukasz wojcik"),
        ("Yusuf Karadağ", "KARADAG"),
        ("İsmail Işık", "ismail isik"),
        ("Jürgen Großmann", "grossmann"),
        ("Ольга Кузнецова", "кузнец"),
        ("Ольга Кузнецова", "ОЛЬГА"),
        ("Ἀθηνᾶ Παπαδοπούλου", "αθηνα"),
        ("نور الحسيني", "الحسيني نور"),
        ("أحمد", "احمد"),
        ("王伟", "伟"),
        ("김민수", "민수"),
        ("पूजा शर्मा", "शर्मा"),
        ("ﾀﾅｶ", "タナカ"),
        ("O’Neil D'Arcy", "o'neil"),
        ("Adebayo-Hart", "adebayo-hart"),
        ("Evil\u202eTxet", "eviltxet"),
        ("Anna\nLee", "anna lee"),
        ("  Double   Space ", "double space"),
    ],
)
def test_a_name_is_found_by_a_fragment(
    find: Find, northbank: Partner, name: str, typed: str
) -> None:
    rows.add(northbank, name)
    rows.add(northbank, "Somebody Else")
    assert find(typed) == [name]


def test_every_word_must_occur(find: Find, northbank: Partner) -> None:
    rows.add(northbank, "Alma Veske")
    assert find("alma okoro") == []


@pytest.mark.parametrize("sign", ["%", "_", "\\", "a%e", "a_m", "'", '"', "--", "{{ 7 }}", ".*"])
def test_a_sign_stands_for_itself(find: Find, northbank: Partner, sign: str) -> None:
    rows.add(northbank, "Alma Veske")
    rows.add(northbank, f"Odd {sign} name")
    assert find(sign) == [f"Odd {sign} name"]


@pytest.mark.parametrize("column", search.REFERENCES)
@pytest.mark.parametrize("typed", ["AB-77x", " AB-77x ", "ab-77x"])
def test_a_reference_is_found_as_a_whole(
    find: Find, northbank: Partner, column: str, typed: str
) -> None:
    rows.add(northbank, "Kept", **{column: typed.strip()})
    rows.add(northbank, "Other", **{column: "AB-77xy"})
    assert find(typed) == ["Kept"]
    assert find("AB-77") == []


@pytest.mark.parametrize(("kept", "typed"), [("TEST00007", "test00007"), ("c39cb2f3", "C39CB2F3")])
def test_a_reference_is_found_in_the_other_case(
    find: Find, northbank: Partner, kept: str, typed: str
) -> None:
    rows.add(northbank, "Kept", external_ref=kept)
    assert find(typed) == ["Kept"]


@pytest.mark.parametrize("typed", ["AB 123-45/6", " ab123456 ", "AB.123.456", "\uff21\uff22123456"])
def test_a_document_number_is_found_however_it_is_typed(
    find: Find, receive: Callable, typed: str
) -> None:
    it = receive("01", data={"docNumber": "AB123456"})
    receive("03", data={"docNumber": "AB1234567"})
    assert find(typed) == [it.name]


def test_a_document_number_is_found_as_a_whole_and_by_its_partner_only(
    receive: Callable, southpay: Partner
) -> None:
    it = receive("01", data={"docNumber": "AB123456"})
    theirs = receive("01", southpay, data={"docNumber": "AB123456"})
    assert it.number_hash != theirs.number_hash
    assert vault.number_hash(it.partner_id, "AB12345") != it.number_hash
    assert "AB123456" not in it.number_hash


def test_a_verification_without_a_number_is_found_by_none(receive: Callable) -> None:
    it = receive("05")
    assert it.number_hash == ""
    assert [vault.number_hash(it.partner_id, text) for text in ("", " ", "-/.")] == [""] * 3


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("f52792e5-8989-40a3-ac78-e70d9515b6d8", True),
        (" F52792E5-8989-40A3-AC78-E70D9515B6D8 ", True),
        ("f52792e5898940a3ac78e70d9515b6d8", False),
        ("f52792e5-8989-40a3-ac78-e70d9515b6d8x", False),
        ("AB123456", False),
        ("", False),
    ],
)
def test_a_scan_ref_is_known_by_its_form(text: str, is_one: bool) -> None:
    assert search.is_scan_ref(text) is is_one


@pytest.mark.parametrize("typed", ["\u200b", "\u0301", "\u202e"])
def test_what_cannot_be_seen_finds_nothing(find: Find, northbank: Partner, typed: str) -> None:
    rows.add(northbank, "Alma Veske")
    assert find(typed) == []


def test_a_folded_name_fits_its_column() -> None:
    assert len(search.folded("\ufdfa" * 255)) <= 1600


@pytest.mark.parametrize("typed", ["Цветомира", "измисленова", "tsvetomira", "ИЗМИС"])
def test_a_name_is_found_in_its_own_script_too(
    find: Find, receive: Callable[..., Verification], typed: str
) -> None:
    it = receive("07")
    assert find(typed) == [it.name]


def test_a_reference_is_looked_for_before_a_name(find: Find, northbank: Partner) -> None:
    rows.add(northbank, "Anna Lund")
    rows.add(northbank, "Jonas Okoro", client_id="ANNA")
    assert find("anna") == ["Jonas Okoro"]
    assert find("ann") == ["Anna Lund"]


def test_a_reference_of_another_partner_is_none(
    find: Find, northbank: Partner, southpay: Partner
) -> None:
    rows.add(southpay, "Theirs", client_id="anna")
    rows.add(northbank, "Anna Lund")
    assert find("anna") == ["Anna Lund"]
