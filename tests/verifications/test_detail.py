"""The page of one verification: what it shows, to whom, and what it keeps back."""

import html
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.conftest import BAD
from tests.verifications import rows
from verifications import decisions, detail, dossier, notes, tags, vault
from verifications.callbacks import intake
from verifications.models import DeliveryState, Photo, PhotoState, RejectionReason, Verification
from verifications.statuses import Action

SignIn = Callable[[User], Client]
Receive = Callable[..., Verification]
SAMPLES = [f"{number:02}" for number in range(1, 27) if number != 24]


def url(it: Verification, name: str = "detail") -> str:
    return reverse(f"verification_{name}", args=[it.scan_ref])


def text(response: HttpResponse) -> str:
    return html.unescape(response.content.decode())


def words(response: HttpResponse) -> str:
    """What a reader sees: without tags, in one line."""
    main = re.sub(r"<[^>]+>", " ", response.content.decode().split("<main", 1)[1])
    return html.unescape(re.sub(r"\s+", " ", main))


def bad(partner: Partner, number: str) -> Verification:
    (path,) = BAD.glob(f"{number}-*")
    receipt = intake.receive(partner, "IDENTIFICATION_AUTO_FINISHED", path.read_bytes())
    assert receipt.callback.verification
    return receipt.callback.verification


def decide(user: User, it: Verification, action: Action, **fields: Any) -> None:
    it.refresh_from_db()
    reasons = RejectionReason.objects.filter(code="UNDER_AGE") if action == Action.DENY else ()
    intent = decisions.Intent(
        action=action,
        seen_revision=it.revision,
        request_key=uuid.uuid4(),
        reasons=list(reasons),
        **fields,
    )
    decisions.decide(factories.membership(user), it.scan_ref, intent)


def undo(user: User, it: Verification) -> None:
    it.refresh_from_db()
    assert it.decision_id
    decisions.undo(
        factories.membership(user), it, decision_id=it.decision_id, request_key=uuid.uuid4()
    )


@pytest.mark.parametrize(("sample", "tone"), [("01", "tone-good"), ("05", "tone-idle")])
def test_that_nothing_was_found_is_good_only_where_something_was_checked(
    sample: str, tone: str, receive: Receive, ada: User, as_user: SignIn
) -> None:
    page = text(as_user(ada).get(url(receive(sample))))
    glance = page.split('aria-label="At a glance"', 1)[1].split("</nav>", 1)[0]
    assert re.findall(r'href="#tags">.*?class="said ([\w-]+)"', glance) == [tone]


@pytest.mark.parametrize(("until", "is_marked"), [("2026-11-19", True), ("2026-11-20", False)])
def test_a_document_that_had_expired_when_it_was_shown_says_so(
    until: str, is_marked: bool, receive: Receive, ada: User, as_user: SignIn
) -> None:
    started = int(datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp())
    it = receive("01", startTime=started, data={"docExpiry": until})
    fields = words(as_user(ada).get(url(it)))
    assert (" Expired " in fields.split("Authority", 1)[0]) == is_marked


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_sample_shows(sample: str, receive: Receive, ada: User, as_user: SignIn) -> None:
    it = receive(sample)
    response = as_user(ada).get(url(it))
    assert response.status_code == 200
    assert (it.name or "No name yet") in words(response)
    assert it.client_id in words(response)


@pytest.mark.parametrize("number", ["12", "16", "17", "18", "19", "20"])
def test_every_accepted_bad_body_shows(
    number: str, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    it = bad(northbank, number)
    assert as_user(ada).get(url(it)).status_code == 200


@pytest.mark.parametrize("sample", SAMPLES)
def test_number_code_and_address_are_not_in_the_page_until_asked_for(
    sample: str, receive: Receive, ada: User, as_user: SignIn
) -> None:
    it = receive(sample)
    told = factories.body(sample)["data"]
    keys = ("docNumber", "docPersonalCode", "address", "orgAddress", "docTemporaryAddress")
    secrets = [told[key] for key in keys if told.get(key)]
    client = as_user(ada)
    before, after = text(client.get(url(it))), text(client.post(url(it, "reveal")))
    assert [secret for secret in secrets if secret in before] == []
    assert [secret for secret in secrets if secret not in after] == []
    assert secrets == [] or secrets[0] not in text(client.get(url(it))), "shown for one load only"


def test_a_number_repeated_by_a_register_is_hidden_too(
    receive: Receive, vera: User, as_user: SignIn
) -> None:
    it = receive("16")
    client = as_user(vera)
    assert "TEST00016" not in text(client.get(url(it)))
    assert "I<HUNTEST00016" in text(client.post(url(it, "reveal")))


def test_a_reveal_is_written_down(suspected: Verification, vera: User, as_user: SignIn) -> None:
    as_user(vera).post(url(suspected, "reveal"))
    (entry,) = AuditEntry.objects.filter(kind=Kind.VIEWED)
    assert entry.actor == vera.pk
    assert '"revealed":true' in entry.body


def test_each_look_is_written_down_with_its_photos(
    suspected: Verification, vera: User, as_user: SignIn
) -> None:
    suspected.photos.filter(kind="FRONT").update(state=PhotoState.STORED, file_name="1.png")
    client = as_user(vera)
    client.get(url(suspected))
    client.head(url(suspected))
    first, second = AuditEntry.objects.filter(kind=Kind.VIEWED)
    assert first.subject == second.subject == suspected.audit_subject
    assert '"photos":["FRONT"],' in first.body
    assert '"revealed":false' in first.body


def test_what_cannot_be_written_down_is_not_shown(
    suspected: Verification, vera: User, as_user: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **facts: Any) -> None:
        raise OperationalError("the disk is full")

    monkeypatch.setattr(audit, "record", refuse)
    client = as_user(vera)
    client.raise_request_exception = False
    response = client.get(url(suspected))
    assert response.status_code >= 500
    assert suspected.name not in response.content.decode()


def test_the_log_holds_nothing_of_the_applicant(
    suspected: Verification, vera: User, as_user: SignIn
) -> None:
    as_user(vera).post(url(suspected, "reveal"))
    bodies = " ".join(AuditEntry.objects.values_list("body", flat=True))
    assert suspected.name not in bodies
    number = json.loads(vault.opened(suspected.callback.body))["data"]["docNumber"]
    assert number not in bodies


def test_another_partners_page_is_like_one_that_never_was(
    suspected: Verification, otto: User, as_user: SignIn
) -> None:
    client = as_user(otto)
    other = client.get(url(suspected))
    never = client.get(reverse("verification_detail", args=["never"]))
    assert (other.status_code, other.content) == (404, never.content)
    assert client.post(url(suspected, "reveal")).status_code == 404
    assert not AuditEntry.objects.filter(kind=Kind.VIEWED).exists()


def test_the_page_is_read_only_and_a_reveal_is_a_post(
    suspected: Verification, ada: User, otto: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    assert client.post(url(suspected)).status_code == 405
    assert client.get(url(suspected, "reveal")).headers["Location"] == url(suspected)
    assert as_user(otto).get(url(suspected, "reveal")).status_code == 404


@pytest.mark.parametrize(
    ("who", "note", "tag", "button"),
    [
        ("vera", False, False, False),
        ("mia", True, False, False),
        ("mo", True, False, False),
        ("ada", True, True, True),
    ],
)
def test_each_role_is_offered_what_it_may(
    who: str,
    note: bool,
    tag: bool,
    button: bool,
    suspected: Verification,
    request: pytest.FixtureRequest,
    as_user: SignIn,
) -> None:
    page = text(as_user(request.getfixturevalue(who)).get(url(suspected)))
    assert (f'action="{url(suspected, "note")}#notes"' in page) == note
    assert ('class="tag-remove"' in page) == tag
    for action in ("approve", "deny"):
        assert (f'href="{url(suspected, action)}"' in page) == button
    assert ("You have read access: Admins of Northbank decide." in page) == (not button)


@pytest.mark.parametrize(
    ("who", "partner", "sample", "action", "sentence", "rule"),
    [
        ("otto", "southpay", "01", "deny", "Deny comes with", "pricing_permits_denial"),
        ("elsa", "eastcredit", "07", "approve", "switched off", "partner_may_approve"),
        ("ada", "northbank", "25", "approve", "It is being reviewed", "status_permits"),
        ("ada", "northbank", "05", "deny", "It ended before it was finished", "status_permits"),
    ],
)
def test_a_refused_action_is_a_sentence_with_all_rules_and_a_code_for_support(
    who: str,
    partner: str,
    sample: str,
    action: str,
    sentence: str,
    rule: str,
    request: pytest.FixtureRequest,
    receive: Receive,
    as_user: SignIn,
    settings: Any,
) -> None:
    settings.SUPPORT_CONTACT = "mailto:help@support.example"
    it = receive(sample, partner=request.getfixturevalue(partner))
    page = text(as_user(request.getfixturevalue(who)).get(url(it)))
    bar = page.split('aria-label="Decision"')[1]
    assert sentence in bar
    assert f"{action}/{rule}/{it.scan_ref}/r{it.revision}" in bar
    for every in ("membership_is_active", "role_is_admin", f"partner_may_{action}", rule):
        assert f"<code>{every}</code>" in bar
    assert 'href="mailto:help@support.example"' in bar
    assert f'href="{url(it, action)}"' not in page


def test_undo_is_offered_to_admins_while_the_time_runs(
    suspected: Verification, northbank: Partner, request: pytest.FixtureRequest, as_user: SignIn
) -> None:
    northbank.undo_seconds = 60
    northbank.save()
    ada, amos, mo = (request.getfixturevalue(name) for name in ("ada", "amos", "mo"))
    decide(ada, suspected, Action.DENY)
    own, others, none = (text(as_user(user).get(url(suspected))) for user in (ada, amos, mo))
    suspected.refresh_from_db()
    assert f'action="{url(suspected, "undo")}"' in own
    assert f'name="decision" value="{suspected.decision_id}"' in own
    assert "Denied by you." in re.sub(r"<[^>]+>", "", own)
    assert "Denied by Ada Lind." in re.sub(r"<[^>]+>", "", others)
    assert url(suspected, "undo") not in none


def test_undo_is_not_offered_when_the_time_is_over(
    suspected: Verification, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    northbank.undo_seconds = 0
    northbank.save()
    decide(ada, suspected, Action.APPROVE)
    assert url(suspected, "undo") not in text(as_user(ada).get(url(suspected)))


def _queries(client: Client, it: Verification) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url(it)).status_code == 200
    return len(captured)


def test_thirty_events_take_no_more_queries_than_one(
    suspected: Verification, northbank: Partner, ada: User, as_user: SignIn, receive: Receive
) -> None:
    endpoint_events = ["IDENTIFICATION_MANUAL_FINISHED", "IDENTIFICATION"]
    client = as_user(ada)
    client.get(url(suspected))
    one = _queries(client, suspected)
    factories.endpoint(northbank, events=endpoint_events)
    northbank.undo_seconds = 60
    northbank.save()
    for _ in range(3):
        decide(ada, suspected, Action.DENY, internal_note="Looked twice.")
        undo(ada, suspected)
        decide(ada, suspected, Action.DENY)
        decide(ada, suspected, Action.APPROVE)
    for number in range(10):
        receive("07", status={"overall": "DENIED"}, finishTime=1794800000 + number)
        key = uuid.uuid4()
        notes.write(factories.membership(ada), suspected, text=f"Note {number}", request_key=key)
    page = _page(ada, suspected)
    assert len(page.events) >= 30
    assert _queries(client, suspected) == one


def _page(user: User, it: Verification) -> detail.Detail:
    whole = Verification.objects.with_loose_ends().select_related("partner", "decision")
    return detail.build(factories.membership(user), whole.get(pk=it.pk))


TOLD = (
    "Automatic checks finished: Suspected",
    "Received 2 times.",
    "Denied by Ada Lind",
    "Reasons: The applicant is too young",
    "Internal note: Seen at the branch.",
    "Taken back before it was sent.",
    "Decision taken back by Amos Reed",
    "Approved by Ada Lind",
    "Message to the applicant: Welcome.",
    "Replaced by a later decision.",
    "Kept: older than what is known.",
    "Kept: a person's decision stands.",
    "New data arrived.",
    "Expires within 7 days",
    "withdrawn by undo",
    "Webhook message 3 to Main: waiting",
    "New data arrived after the decision.",
)


def test_the_timeline_tells_all_of_it(
    suspected: Verification,
    northbank: Partner,
    ada: User,
    amos: User,
    as_user: SignIn,
    receive: Receive,
) -> None:
    factories.endpoint(northbank)
    northbank.undo_seconds = 60
    northbank.save()
    decide(ada, suspected, Action.DENY, internal_note="Seen at the branch.")
    undo(amos, suspected)
    decide(ada, suspected, Action.APPROVE, message_to_applicant="Welcome.")
    decide(amos, suspected, Action.DENY)
    intake.receive(northbank, *factories.sample("07"))
    receive("07", finishTime=1)
    receive("07", finishTime=1894871648, status={"overall": "DENIED"})
    again = factories.sample("07", event="IDENTIFICATION_RESUBMITTED", finishTime=1894871650)
    intake.receive(northbank, *again)
    expiry = factories.sample("24", scanRef=suspected.scan_ref)
    intake.receive(northbank, *expiry)
    page = words(as_user(ada).get(url(suspected)))
    assert [sentence for sentence in TOLD if sentence not in page] == []


def test_the_timeline_goes_from_new_to_old(
    suspected: Verification, ada: User, northbank: Partner
) -> None:
    decide(ada, suspected, Action.DENY)
    decide(ada, suspected, Action.APPROVE)
    events = _page(ada, suspected).events
    assert [event.at for event in events] == sorted((e.at for e in events), reverse=True)
    assert events[0].title == "Approved by"


def test_a_decision_that_replaced_one_and_was_undone_replaces_nothing(
    suspected: Verification, northbank: Partner, ada: User
) -> None:
    northbank.undo_seconds = 60
    northbank.save()
    decide(ada, suspected, Action.DENY)
    decide(ada, suspected, Action.APPROVE)
    undo(ada, suspected)
    events = _page(ada, suspected).events
    assert not [event for event in events if ("", "Replaced by a later decision.") in event.lines]


def test_a_reported_difference_marks_its_row_only(
    suspected: Verification, ada: User, as_user: SignIn
) -> None:
    page = text(as_user(ada).get(url(suspected)))
    rows = re.findall(r'<tr class="differs">.*?</tr>', page, re.DOTALL)
    labels = [re.search(r'scope="row">([^<]+)', row)[1] for row in rows]  # type: ignore[index]
    assert labels == ["First name", "Full name"]
    assert "2 of 17 fields differ" in page


def test_another_country_than_the_chosen_one_differs(
    receive: Receive, ada: User, as_user: SignIn
) -> None:
    it = receive("01", data={"selectedCountry": "DE"})
    page = words(as_user(ada).get(url(it)))
    assert "Issuing country Lithuania LT Germany Differs" in page


@pytest.mark.parametrize(("key", "is_compared"), [("docFirstName", True), ("authority", False)])
def test_only_what_is_compared_can_be_without_difference(key: str, *, is_compared: bool) -> None:
    built = dossier.build({"data": {key: "X"}}, (), is_revealed=False)
    assert [field.is_compared for field in built.fields] == [is_compared]


def test_data_corrected_by_the_reviewer_is_said(
    receive: Receive, ada: User, as_user: SignIn
) -> None:
    assert "Corrected by the provider’s reviewer" in words(as_user(ada).get(url(receive("14"))))
    assert "Corrected by" not in words(as_user(ada).get(url(receive("01"))))


@pytest.mark.parametrize(
    ("sample", "sentences"),
    [
        ("10", ["Name screening Hit", "Suspicion Politically exposed person PEPS"]),
        ("11", ["Lost and stolen documents Hit"]),
        ("16", ["Utility bill Read and compare", "Full name KITALÁLTFY-FŰZFÁS ŐRSIKE Matches"]),
        ("17", ["Do you hold public office? No", "Second line with", "Your website Not answered"]),
        ("18", ["Risk score 71", "Email verified Yes", "Booked balance 1234.56"]),
        ("19", ["Last name MAKEBELIEVE-HAIOLELO Partly matches", "Status Not verified UNVERIFIED"]),
        ("23", ["SMART_GLASSES", "EYE_COLOUR", "Crater Tycho", "Doc hologram score 0.93"]),
    ],
)
def test_all_that_came_in_can_be_read(
    sample: str, sentences: list[str], receive: Receive, ada: User, as_user: SignIn
) -> None:
    page = words(as_user(ada).get(url(receive(sample))))
    assert [sentence for sentence in sentences if sentence not in page] == []


def test_every_value_of_a_body_is_on_the_page(receive: Receive, ada: User, as_user: SignIn) -> None:
    """A block that nobody thought of is shown as well."""
    strange = {"level": 3, "tags": ["one", "two"], "inner": [{"deep": {"deeper": "gold"}}]}
    it = receive("01", somethingNew=strange, andAWord="silver")
    page = words(as_user(ada).get(url(it)))
    for sentence in ("Something new", "Level 3", "one, two", "gold", "silver"):
        assert sentence in page, sentence


def test_a_link_of_the_provider_is_never_a_link_here(
    receive: Receive, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    sent = [bad(northbank, "17"), *(receive(sample) for sample in ("01", "16", "17"))]
    pages = [text(client.get(url(it))) for it in sent]
    for page in pages:
        assert not re.search(r'(href|src)="(?!/|\?|#|mailto:)', page)
    assert "javascript:" in pages[0], "as text"
    assert "signature=" not in "".join(pages), "what opens a file is not even text"


def test_markup_in_a_name_is_text(northbank: Partner, ada: User, as_user: SignIn) -> None:
    it = bad(northbank, "19")
    page = as_user(ada).get(url(it)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_signs_that_turn_the_text_are_made_visible(
    northbank: Partner, ada: User, as_user: SignIn
) -> None:
    page = as_user(ada).get(url(bad(northbank, "20"))).content.decode()
    assert "[U+202E]" in page
    assert "characters that hide or turn text" in page
    shown_to_people = re.sub(r'(data-copy|value)="[^"]*"', "", page)
    assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown_to_people)


def test_the_same_face_is_a_link_where_it_may_be_seen(
    receive: Receive, southpay: Partner, ada: User, as_user: SignIn
) -> None:
    mine, theirs = receive("03"), receive("04", partner=southpay)
    refs = [mine.scan_ref, theirs.scan_ref]
    it = receive("09", data={"duplicateFaces": refs, "duplicateDocFaces": refs[:1]})
    page = text(as_user(ada).get(url(it)))
    assert page.count(f'href="{url(mine)}"') == 1
    assert theirs.scan_ref in page
    assert theirs.name not in page
    assert f'href="{url(theirs)}"' not in page


def test_earlier_verifications_of_the_same_client_are_listed(
    receive: Receive, southpay: Partner, ada: User, as_user: SignIn
) -> None:
    older = receive("03", clientId="client-0001")
    theirs = receive("04", partner=southpay, clientId="client-0001")
    page = text(as_user(ada).get(url(receive("01"))))
    assert f'href="{url(older)}"' in page
    assert theirs.scan_ref not in page


def test_next_leads_through_the_queue_from_old_to_new_and_round(
    receive: Receive, ada: User, as_user: SignIn
) -> None:
    queue = [receive("07", scanRef=f"queue-{n}", startTime=1794870000 + n) for n in range(3)]
    client = as_user(ada)
    for place, it in enumerate(queue):
        page = text(client.get(url(it)))
        assert f"{place + 1} of 3 that need a decision" in page
        following = queue[(place + 1) % 3]
        assert f'href="{url(following)}" aria-keyshortcuts="j"' in page
    assert "3 need a decision" in text(client.get(url(receive("01"))))


@pytest.mark.parametrize(
    "query",
    ["turn=FRONT:45", "turn=FRONT", "turn=:90", "turn=OTHER:90", "turn=FRONT:９０", "turn=%00"],
)
def test_a_turn_that_cannot_be_understood_is_refused(
    query: str, suspected: Verification, ada: User, as_user: SignIn
) -> None:
    assert as_user(ada).get(f"{url(suspected)}?{query}").status_code == 400
    assert not AuditEntry.objects.filter(kind=Kind.VIEWED).exists()


def test_pictures_turn_by_links_one_by_one(
    suspected: Verification, ada: User, as_user: SignIn
) -> None:
    suspected.photos.update(state=PhotoState.STORED, file_name="1.png", content_type="image/png")
    page = as_user(ada).get(f"{url(suspected)}?turn=FRONT:270&turn=FACE:90").content.decode()
    assert page.count("data-turn=") == 2
    links = re.findall(r'href="([^"]+)" data-rotate', html.unescape(page))
    front, back, face = links
    assert front == f"{url(suspected)}?turn=FACE%3A90#evidence"
    assert back == f"{url(suspected)}?turn=FRONT%3A270&turn=FACE%3A90&turn=BACK%3A90#evidence"
    assert face == f"{url(suspected)}?turn=FRONT%3A270&turn=FACE%3A180#evidence"


@pytest.mark.parametrize(
    ("state", "why", "sentence"),
    [
        (PhotoState.WAITING, "", "Being fetched: it shows here once it is stored."),
        (
            PhotoState.WAITING,
            "The connection was refused.",
            "Not fetched yet. The connection was refused. Tried again",
        ),
        (PhotoState.FAILED, "Answer 404.", "Could not be fetched. Answer 404."),
        (PhotoState.BROKEN, "", "Not a picture that we can show."),
        (PhotoState.UNUSABLE, "", "The link cannot be used."),
    ],
)
def test_a_picture_that_is_not_there_says_why(
    state: PhotoState,
    why: str,
    sentence: str,
    suspected: Verification,
    ada: User,
    as_user: SignIn,
) -> None:
    suspected.photos.all().delete()
    Photo.objects.create(
        verification=suspected, kind="FRONT", state=state, why=why, due_at=rows.NOON
    )
    page = as_user(ada).get(url(suspected))
    assert sentence in words(page)
    assert "<img" not in page.content.decode()


def test_the_state_says_whether_the_partner_was_told(
    suspected: Verification, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    client = as_user(ada)
    assert "State Nothing was sent" in words(client.get(url(suspected)))
    factories.endpoint(northbank)
    decide(ada, suspected, Action.APPROVE)
    assert re.search(
        r"State Goes out \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC", words(client.get(url(suspected)))
    )
    delivery = suspected.deliveries.get()
    delivery.attempts, delivery.last_code = 1, 500
    delivery.save()
    page = words(client.get(url(suspected)))
    assert "State Partner not told yet: trying again" in page
    assert "1 try, last answer 500." in page
    given_up = {"state": DeliveryState.GIVEN_UP, "settled_at": timezone.now()}
    suspected.deliveries.update(**given_up)
    assert "State Partner not told: given up" in words(client.get(url(suspected)))
    northbank.endpoints.update(removed_at=timezone.now())
    assert "State Nothing was sent" in words(client.get(url(suspected)))


def test_what_was_cancelled_after_a_picture_is_not_said_to_be_without(
    receive: Receive, ada: User, as_user: SignIn
) -> None:
    page = words(as_user(ada).get(url(receive("06"))))
    assert "It ended before it was finished: ask the applicant to start again." in page
    assert "without evidence" not in page


def test_the_bar_says_what_a_decision_would_replace(
    suspected: Verification,
    northbank: Partner,
    receive: Receive,
    amos: User,
    ada: User,
    as_user: SignIn,
) -> None:
    client = as_user(ada)
    automatic = "Your decision overrides the automatic result."
    decide(amos, suspected, Action.DENY)
    undo(amos, suspected)
    assert automatic in words(client.get(url(suspected)))
    northbank.undo_seconds = 0
    northbank.save()
    decide(amos, suspected, Action.DENY)
    page = words(client.get(url(suspected)))
    assert re.search(r"Your decision replaces that of Amos Reed \( ?Today, \d\d:\d\d ?\)\.", page)
    assert automatic not in page
    by_staff = words(client.get(url(receive("14"))))
    assert "Your decision overrides what the provider’s staff found." in by_staff


OFF = {"is_active": False}
EVENTS = {"events": ["DOCUMENT_EXPIRATION"]}


@pytest.mark.parametrize(
    ("endpoints", "seconds", "before"),
    [
        ([{}], 10, "Northbank is told 10 s later."),
        ([{}], 0, "Northbank is told at once."),
        (
            [{}, OFF],
            10,
            "Northbank is told 10 s later. What goes to an endpoint that is off waits.",
        ),
        ([OFF], 10, "Northbank is told once its endpoint is switched on again."),
        ([EVENTS], 10, "Nobody is told: Northbank has no endpoint for decisions."),
        ([], 10, "Nobody is told: Northbank has no endpoint for decisions."),
    ],
)
def test_who_is_told_is_the_same_on_bar_confirm_page_and_undo_bar(
    suspected: Verification,
    northbank: Partner,
    ada: User,
    as_user: SignIn,
    endpoints: list[dict[str, Any]],
    seconds: int,
    before: str,
) -> None:
    northbank.undo_seconds = seconds
    northbank.save()
    for fields in endpoints:
        factories.endpoint(northbank, **fields)
    client = as_user(ada)
    later = before.replace("10 s later", "after that")
    undo = f"You can undo for {seconds} s." if seconds else "There is no undo."
    assert before in words(client.get(url(suspected)))
    assert f"{undo} {later}" in words(client.get(url(suspected, "deny")))
    decide(ada, suspected, Action.DENY)
    if seconds:
        page = words(client.get(url(suspected)))
        assert re.search(r"It can be undone until \d\d:\d\d:\d\d UTC\. " + re.escape(later), page)


def test_what_goes_to_an_endpoint_that_is_off_waits_and_says_so(
    suspected: Verification, northbank: Partner, ada: User, as_user: SignIn
) -> None:
    endpoint = factories.endpoint(northbank, is_active=False)
    client = as_user(ada)
    assert f"to {endpoint.address} (off: it waits), signed." in words(
        client.get(url(suspected, "approve"))
    )
    decide(ada, suspected, Action.APPROVE)
    page = words(client.get(url(suspected)))
    assert "State Partner not told yet: its endpoint is off" in page
    assert "Waits: its endpoint is off." in page
    assert "Goes out" not in page


def test_a_provider_s_clock_at_the_end_of_the_calendar_still_shows(
    receive: Receive, ada: User, as_user: SignIn
) -> None:
    it = receive("01", startTime=253402214399, finishTime=253402214399)
    assert as_user(ada).get(url(it)).status_code == 200


def test_reasons_are_worded_as_when_they_were_chosen(
    approved: Verification, ada: User, as_user: SignIn
) -> None:
    reason = RejectionReason.objects.get(code="UNDER_AGE", partner=None)
    decide(ada, approved, Action.DENY)
    former, reason.label = reason.label, "Another wording"
    reason.save()
    page = words(as_user(ada).get(url(approved)))
    assert f"Denied for: {former} UNDER_AGE" in page
    assert "Another wording" not in page


def test_a_removed_tag_stands_there_with_who_and_when(
    suspected: Verification, ada: User, vera: User, as_user: SignIn
) -> None:
    tag = suspected.tags.get(code="NAME")
    tags.remove(factories.membership(ada), suspected, tag.pk, seen_revision=suspected.revision)
    page = words(as_user(vera).get(url(suspected)))
    assert "First name differs Removed by Ada Lind" in page
    assert "Tag removed: First name differs, by Ada Lind" in page


@pytest.mark.parametrize(("number", "beyond"), [(12, 0), (13, 3)])
def test_a_long_timeline_keeps_what_is_old_behind_a_line(
    number: int, beyond: int, ada: User, suspected: Verification, as_user: SignIn
) -> None:
    for tag in range(number - 1):
        gone = {"removed_at": timezone.now(), "removed_by": ada}
        rows.tag(suspected, f"CODE_{tag}", **gone)
    page = as_user(ada).get(url(suspected)).content.decode()
    section = page[page.index('id="timeline"') : page.index('id="notes"')]
    shown, _, folded = section.partition("<details")
    assert (shown.count("<li"), folded.count("<li")) == (number - beyond, beyond)
    assert (f"All {number} events" in folded) == bool(beyond)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("ada", ["/webhooks/deliveries/?q={}", "/audit/?scan_ref={}"]),
        ("mo", ["/webhooks/deliveries/?q={}"]),
        ("vera", []),
    ],
)
def test_the_timeline_leads_to_what_else_is_told_of_it(
    request: pytest.FixtureRequest,
    approved: Verification,
    as_user: SignIn,
    who: str,
    seen: list[str],
) -> None:
    client = as_user(request.getfixturevalue(who))
    page = client.get(url(approved)).content.decode()
    found = re.findall(r'href="(/(?:webhooks/deliveries|audit)/\?[^"]+)"', page)
    assert found == [link.format(approved.scan_ref) for link in seen]
    assert all(client.get(link).status_code == 200 for link in found)
