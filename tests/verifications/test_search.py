"""What is found by what is typed."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Partner, User
from tests import factories
from tests.verifications import ends, rows
from verifications import plan, question, search, vault
from verifications.fields import MOST_CALLED
from verifications.forms import Filters
from verifications.models import Verification
from verifications.webhooks import again

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


REF = "8b3414b0-6c1e-4f5a-9d27-0a1b2c3d4e5f"


@pytest.mark.parametrize("length", [8, 9, 10, 13, 35])
@pytest.mark.parametrize("typed", [str, str.upper, " {} ".format])
def test_a_scan_ref_is_found_by_its_beginning(
    find: Find, northbank: Partner, length: int, typed: Callable[[str], str]
) -> None:
    rows.add(northbank, "Kept", scan_ref=REF)
    for other in ("8b3414af-ffff", "8b3414b1-0000", "8b3414b", "8b3414a0-" + REF[:8]):
        rows.add(northbank, "Other", scan_ref=other)
    assert find(typed(REF[:length])) == ["Kept"]


def test_seven_signs_are_no_beginning(find: Find, northbank: Partner) -> None:
    rows.add(northbank, "Kept", scan_ref=REF)
    assert find(REF[:7]) == []


def test_a_beginning_finds_what_is_visible_alone(
    find: Find, northbank: Partner, southpay: Partner, receive: Callable[..., Verification]
) -> None:
    rows.add(southpay, "Theirs", scan_ref=REF)
    gone = receive("07")
    ends.dispose(factories.person("Ada Roe", northbank, 40), gone)
    assert find(REF[:8]) == find(gone.scan_ref[:8]) == []


def test_what_begins_alike_comes_newest_first_beside_what_is_called_so(
    find: Find, northbank: Partner
) -> None:
    rows.add(northbank, "First", scan_ref=REF)
    rows.add(northbank, "Second", client_id=REF[:8])
    rows.add(northbank, "Third", scan_ref=REF[:8] + "-ff")
    assert find(REF[:8]) == ["First", "Second", "Third"]


def test_very_many_that_begin_alike_are_all_found(ada: User, northbank: Partner) -> None:
    member = factories.membership(ada)
    for number in range(plan.MOST_BEGUN + 10):
        rows.add(northbank, scan_ref=f"{REF[:8]}-{number}")
        rows.add(northbank, "Between")
    found, after = [], None
    while found == [] or after:
        page = question.Question(member, Filters(q=REF[:8], after=after)).page()
        found += [row.scan_ref for row in page.rows]
        after = page.older
    assert found == [f"{REF[:8]}-{number}" for number in range(plan.MOST_BEGUN + 10)]


def test_scan_refs_lie_sign_by_sign_whatever_the_collation_of_the_database(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no other order")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE collation_name = 'C' AND table_name LIKE 'verifications%'"
        )
        assert set(cursor.fetchall()) == {
            ("verifications_verification", "scan_ref"),
            ("verifications_datakey", "owner"),
        }


@pytest.mark.parametrize(
    ("name", "key"),
    [("delivery_list", "q"), ("audit_log", "scan_ref"), ("disposed_list", "scan_ref")],
)
def test_the_other_lists_find_by_a_beginning_too(
    name: str,
    key: str,
    ada: User,
    otto: User,
    as_user: Callable[[User], Client],
    suspected: Verification,
) -> None:
    ref, endpoint = suspected.scan_ref, factories.endpoint(suspected.partner)
    if name == "disposed_list":
        ends.dispose(ada, suspected)
    else:
        again.send_present_state(suspected, endpoint, ada)

    def shown(user: User, asked: str) -> str:
        return as_user(user).get(reverse(name), {key: asked}).content.decode()

    assert [ref in shown(ada, it) for it in (ref, ref[:8], ref[:8].upper(), ref[:20])] == [True] * 4
    assert ref not in shown(ada, "8b3414b0")
    assert ref not in shown(otto, ref[:8])


def test_a_beginning_of_very_many_is_refused_beside_the_list(
    ada: User, northbank: Partner, as_user: Callable[[User], Client]
) -> None:
    for number in range(MOST_CALLED + 1):
        rows.add(northbank, scan_ref=f"{REF[:8]}-{number}")
    answer = as_user(ada).get("/audit/", {"scan_ref": REF[:8]})
    assert answer.status_code == 400
    assert "Type more of it" in answer.content.decode()
    assert as_user(ada).get("/audit/", {"scan_ref": f"{REF[:8]}-20"}).status_code == 200
