"""The pages of endpoints and deliveries, as a partner's Admins use them."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Kind, Partner, User
from tests import factories
from tests.verifications import rows
from tests.verifications.test_decisions import decide
from verifications import keyset, vault
from verifications.models import (
    AttemptAnswer,
    DeliveryBody,
    DeliveryState,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import Action
from verifications.webhooks import endpoints, outbox

SignIn = Callable[[User], Client]
EVENT = "IDENTIFICATION_MANUAL_FINISHED"
FORM = {
    "name": "Core",
    "address": "https://hooks.partner.example/idv",
    "events": [EVENT],
    "headers": "",
    "active": "on",
}


@pytest.fixture
def endpoint(northbank: Partner) -> WebhookEndpoint:
    return factories.endpoint(northbank)


@pytest.fixture
def delivery(endpoint: WebhookEndpoint, denied: Verification) -> WebhookDelivery:
    return outbox.queue(denied, EVENT)[0]


@pytest.fixture
def browser(ada: User, as_user: SignIn) -> Client:
    return as_user(ada)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def of(endpoint: WebhookEndpoint, step: str = "") -> str:
    return f"/webhooks/endpoints/{endpoint.pk}/{step}"


def at(delivery: WebhookDelivery, step: str = "") -> str:
    return f"/webhooks/deliveries/{delivery.pk}/{step}"


def key_on(page: str) -> list[str]:
    return re.findall(r"whsec_[A-Za-z0-9+/=]+", page)


def tried(
    delivery: WebhookDelivery, code: int | None = 500, answer: bytes = b"", **fields: Any
) -> WebhookDelivery:
    """As the worker leaves it after a try."""
    delivery.attempts += 1
    delivery.last_code = code
    for name, value in fields.items():
        setattr(delivery, name, value)
    delivery.save()
    attempt = WebhookAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts,
        started_at=timezone.now(),
        milliseconds=12,
        code=code,
        problem="" if code else "The connection was refused.",
    )
    if answer:
        written = AttemptAnswer(attempt=attempt)
        written.sealed = vault.sealed(written, answer)
        written.save()
    return delivery


def settled(delivery: WebhookDelivery, code: int | None = 200, **fields: Any) -> WebhookDelivery:
    state = DeliveryState.DELIVERED if code == 200 else DeliveryState.GIVEN_UP
    return tried(delivery, code, **{"state": state, "settled_at": timezone.now()} | fields)


# Who reaches them

ENDPOINT, DELIVERY = "endpoints/{endpoint}/", "deliveries/{delivery}/"
PAGES = ("", "endpoints/add/", ENDPOINT, f"{ENDPOINT}rotate/", f"{ENDPOINT}remove/")
PAGES += ("deliveries/", DELIVERY, f"{DELIVERY}reveal/")
STEPS = (f"{ENDPOINT}pause/", f"{ENDPOINT}resume/", f"{ENDPOINT}test/")
STEPS += (f"{DELIVERY}resend/", f"{DELIVERY}present/")


@pytest.mark.parametrize("page", [*PAGES, *STEPS])
@pytest.mark.parametrize("who", ["mo", "mia", "vera"])
def test_admins_reach_them_and_moderators_the_deliveries(
    request: pytest.FixtureRequest,
    as_user: SignIn,
    delivery: WebhookDelivery,
    who: str,
    page: str,
) -> None:
    browser = as_user(request.getfixturevalue(who))
    address = "/webhooks/" + page.format(endpoint=delivery.endpoint_id, delivery=delivery.pk)
    answer = (browser.post if page in STEPS else browser.get)(address)
    sees_deliveries = who == "mo" and page.startswith("deliveries/")
    assert (answer.status_code != 403) == sees_deliveries


def test_a_moderator_sends_again_and_keeps_no_endpoints(
    mo: User, as_user: SignIn, endpoint: WebhookEndpoint, delivery: WebhookDelivery
) -> None:
    browser = as_user(mo)
    page = browser.get(f"/webhooks/deliveries/{delivery.pk}/").content.decode()
    assert f"/webhooks/endpoints/{endpoint.pk}/" not in page
    assert 'href="/webhooks/deliveries/"' in page
    WebhookDelivery.objects.update(state=DeliveryState.GIVEN_UP, settled_at=timezone.now())
    browser.post(f"/webhooks/deliveries/{delivery.pk}/resend/", {"seen_tries": delivery.attempts})
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING


@pytest.mark.parametrize("page", [page for page in (*PAGES, *STEPS) if "{" in page])
def test_of_another_partner_there_is_nothing(
    otto: User, as_user: SignIn, delivery: WebhookDelivery, page: str
) -> None:
    browser = as_user(otto)
    known = page.format(endpoint=delivery.endpoint_id, delivery=delivery.pk)
    unknown = page.format(endpoint=2**70, delivery=uuid.uuid4())
    before = WebhookEndpoint.objects.values().get()
    for method in [browser.post] if page in STEPS else [browser.get, browser.post]:
        answers = [method(f"/webhooks/{path}") for path in (known, unknown)]
        if method == browser.post and page == DELIVERY:
            assert [answer.status_code for answer in answers] == [405, 405]
            continue
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert WebhookEndpoint.objects.values().get() == before
    assert not WebhookDelivery.objects.exclude(pk=delivery.pk).exists()


def test_lists_hold_nothing_of_another_partner(
    otto: User, as_user: SignIn, delivery: WebhookDelivery
) -> None:
    browser = as_user(otto)
    assert "No endpoint yet" in text(browser.get("/webhooks/"))
    assert str(delivery.pk) not in text(browser.get("/webhooks/deliveries/"))
    assert browser.get(f"/webhooks/deliveries/?endpoint={delivery.endpoint_id}").status_code == 400


def test_a_link_of_another_partner_of_mine_works_and_the_top_bar_follows(
    ada: User, southpay: Partner, as_user: SignIn, endpoint: WebhookEndpoint
) -> None:
    other = factories.endpoint(southpay, name="South")
    factories.join(ada, southpay, 40)
    browser = as_user(ada)
    assert "South" in text(browser.get(of(other)))
    assert browser.get("/").context["shell"].work.key == southpay.key


def test_where_i_am_no_admin_there_is_nothing(
    ada: User, southpay: Partner, as_user: SignIn, endpoint: WebhookEndpoint
) -> None:
    factories.join(ada, southpay, 30)
    assert as_user(ada).get(of(factories.endpoint(southpay))).status_code == 404


@pytest.mark.parametrize("step", ["pause/", "resume/", "test/"])
def test_a_link_changes_nothing(browser: Client, endpoint: WebhookEndpoint, step: str) -> None:
    assert browser.get(of(endpoint, step)).status_code == 405


# Endpoints


def test_the_key_is_shown_once_after_adding(browser: Client, northbank: Partner) -> None:
    page = browser.post("/webhooks/endpoints/add/", FORM, follow=True)
    added = WebhookEndpoint.objects.get()
    assert key_on(text(page)) == [added.signing_key, added.signing_key]
    assert not key_on(text(browser.get(of(added))))


def test_the_key_is_for_whoever_made_it(
    browser: Client, amos: User, as_user: SignIn, endpoint: WebhookEndpoint
) -> None:
    browser.post(of(endpoint, "rotate/"), {"seen_revision": 1})
    assert not key_on(text(as_user(amos).get(of(endpoint))))
    assert not browser.head(of(endpoint)).content
    assert key_on(text(browser.get(of(endpoint))))


def test_a_rotated_key_is_shown_once_and_the_former_keeps_its_day(
    browser: Client, endpoint: WebhookEndpoint
) -> None:
    page = text(browser.post(of(endpoint, "rotate/"), {"seen_revision": 1}, follow=True))
    former = endpoint.signing_key
    endpoint.refresh_from_db()
    assert endpoint.signing_key in page
    assert former not in page
    assert "a signature of the former key too" in page
    again = text(browser.get(of(endpoint)))
    assert not key_on(again)
    assert "The former key signs along" in again


def test_pressing_twice_makes_one_key_and_one_endpoint(browser: Client, northbank: Partner) -> None:
    for _ in range(2):
        answer = browser.post("/webhooks/endpoints/add/", FORM)
    added = WebhookEndpoint.objects.get()
    assert added.signing_key in text(browser.get(answer.headers["Location"]))
    for _ in range(2):
        answer = browser.post(of(added, "rotate/"), {"seen_revision": 1})
    added.refresh_from_db()
    assert added.revision == 2
    assert added.signing_key in text(browser.get(answer.headers["Location"]))


REFUSED = {
    "javascript": "javascript:alert(1)",
    "plain http": "http://hooks.partner.example/",
    "userinfo": "https://user:pw@hooks.partner.example/",
    "backslash": "https://hooks.partner.example\\@127.0.0.1/",
    "loopback": "https://127.0.0.1/",
    "loopback name": "https://localhost/",
    "loopback v6": "https://[::1]/",
    "mapped": "https://[::ffff:127.0.0.1]/",
    "private": "https://10.0.0.1/",
    "link-local": "https://169.254.169.254/latest/",
    "short form": "https://127.1/",
    "one number": "https://2130706433/",
    "hexadecimal": "https://0x7f.0.0.0x1/",
    "no domain": "https://intern/",
    "local domain": "https://printer.local/",
    "odd port": "https://hooks.partner.example:22/",
    "too long": "https://hooks.partner.example/" + "x" * 480,
    "no host": "https:///x",
    "line break": "https://hooks.partner.example/\r\nX: y",
    "nothing": "",
}


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_an_address_we_must_not_speak_to_is_refused_at_its_field(
    browser: Client, northbank: Partner, address: str
) -> None:
    answer = browser.post("/webhooks/endpoints/add/", FORM | {"address": address})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["address"]
    assert 'value="Core"' in text(answer)
    assert "<title>Error: " in text(answer)
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    "address", ["http://localhost:8000/inbox/", "http://127.0.0.1:9000/", "https://a.example:8443/"]
)
def test_the_demo_may_speak_to_its_own_machine(
    browser: Client, northbank: Partner, settings: Any, address: str
) -> None:
    settings.DEMO = True
    assert browser.post("/webhooks/endpoints/add/", FORM | {"address": address}).status_code == 302
    private = FORM | {"name": "Other", "address": "http://10.0.0.1:8000/"}
    assert browser.post("/webhooks/endpoints/add/", private).status_code == 422


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ("Idenfy-Signature: x", "Line 1: Idenfy-Signature is set by us."),
        ("X-A: 1\ncontent-type: text/plain", "Line 2: content-type is set by us."),
        ("Host: x", "Host is set by us."),
        ("Webhook-Id: x", "Webhook-Id is set by us."),
        ("no colon", "write it as Name: value"),
        (": value", "write it as Name: value"),
        ("X A: 1", "write it as Name: value"),
        ("X-A:", "the value of X-A must be"),
        ("X-A: a\rX-B: b", "the value of X-A must be"),
        ("X-A: a\tb", "the value of X-A must be"),
        ("X-A: ünder", "the value of X-A must be"),
        ("X-A: 1\nx-a: 2", "Line 2: x-a stands there twice."),
        ("\n".join(f"X-{number}: 1" for number in range(11)), "Use 10 headers or fewer."),
    ],
)
def test_a_header_that_is_ours_or_cannot_be_sent_is_refused_at_its_field(
    browser: Client, northbank: Partner, headers: str, sentence: str
) -> None:
    answer = browser.post("/webhooks/endpoints/add/", FORM | {"headers": headers})
    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors["headers"][0]
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "a\u202eb"),
        ("events", []),
        ("events", ["MADE_UP"]),
        ("events", ["DOCUMENT_EXPIRATION"]),
    ],
)
def test_what_is_missing_or_unknown_is_said_at_its_field(
    browser: Client, northbank: Partner, field: str, value: Any
) -> None:
    answer = browser.post("/webhooks/endpoints/add/", FORM | {field: value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_own_headers_are_kept_as_typed(browser: Client, northbank: Partner) -> None:
    typed = "Authorization: Bearer a:b=\r\n\r\n X-Tenant : north \r\n"
    browser.post("/webhooks/endpoints/add/", FORM | {"headers": typed})
    headers = WebhookEndpoint.objects.get().headers
    assert headers == {"Authorization": "Bearer a:b=", "X-Tenant": "north"}


def test_a_name_that_exists_is_refused(browser: Client, endpoint: WebhookEndpoint) -> None:
    answer = browser.post("/webhooks/endpoints/add/", FORM | {"name": "main"})
    assert answer.status_code == 422
    assert "“Main” exists already." in text(answer)


def test_a_stale_form_keeps_what_was_typed_and_tells_who_was_first(
    browser: Client, amos: User, endpoint: WebhookEndpoint
) -> None:
    theirs = endpoints.Wanted("Theirs", "https://b.partner.example/", [EVENT], {})
    endpoints.change(endpoint, theirs, amos, seen_revision=1)
    answer = browser.post(of(endpoint), FORM | {"seen_revision": 1})
    assert answer.status_code == 409
    page = text(answer)
    assert "Amos Reed" in page
    assert 'value="Core"' in page
    assert '<code class="webhook-address">Theirs</code>' in page
    endpoint.refresh_from_db()
    assert endpoint.name == "Theirs"
    seen = answer.context["form"]["seen_revision"].value()
    assert browser.post(of(endpoint), FORM | {"seen_revision": seen}).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.name == "Core"


@pytest.mark.parametrize("step", ["rotate/", "remove/"])
@pytest.mark.parametrize(("seen", "status"), [("7", 409), ("", 422), ("x", 422)])
def test_a_step_on_what_was_not_seen_is_not_taken(
    browser: Client, endpoint: WebhookEndpoint, step: str, seen: str, status: int
) -> None:
    answer = browser.post(of(endpoint, step), {"seen_revision": seen})
    assert answer.status_code == status
    endpoint.refresh_from_db()
    assert (endpoint.revision, endpoint.removed_at) == (1, None)


def test_removing_says_what_is_dropped_and_the_history_stays(
    browser: Client, delivery: WebhookDelivery
) -> None:
    endpoint = delivery.endpoint
    assert "1 message still waits for it: dropped." in text(browser.get(of(endpoint, "remove/")))
    browser.post(of(endpoint, "remove/"), {"seen_revision": 1})
    assert "No endpoint yet" in text(browser.get("/webhooks/"))
    assert browser.get(of(endpoint)).status_code == 404
    assert "(removed)" in text(browser.get("/webhooks/deliveries/"))
    assert "The endpoint was removed." in text(browser.get(at(delivery)))


def test_a_switched_off_endpoint_says_why_and_can_be_switched_on(
    browser: Client, northbank: Partner
) -> None:
    why = "It answered 410: it wants no more."
    off = factories.endpoint(northbank, is_active=False, switched_off_why=why)
    assert why in text(browser.get("/webhooks/"))
    assert why in text(browser.get(of(off)))
    assert why not in text(browser.post(of(off, "resume/"), follow=True))
    assert "Paused" in text(browser.post(of(off, "pause/"), follow=True))


def test_a_test_is_shown_as_a_delivery(browser: Client, endpoint: WebhookEndpoint) -> None:
    page = text(browser.post(of(endpoint, "test/"), follow=True))
    assert "Test to" in page
    assert "Webhook-Test: 1" in page
    browser.post(of(endpoint, "pause/"))
    assert browser.post(of(endpoint, "test/")).status_code == 409


def test_queues_are_counted(browser: Client, delivery: WebhookDelivery) -> None:
    assert "1 waiting" in text(browser.get("/webhooks/"))
    tried(delivery)
    assert "1 tried in vain" in text(browser.get("/webhooks/"))


# The list of deliveries


def lines(browser: Client, query: str = "") -> list[WebhookDelivery]:
    page = browser.get(f"/webhooks/deliveries/?{query}").context["page"]
    return [line.delivery for line in page.lines]


def test_filters_narrow_the_list(
    browser: Client, northbank: Partner, delivery: WebhookDelivery, approved: Verification
) -> None:
    other = factories.endpoint(northbank, name="Other")
    plain = settled(outbox.queue(approved, EVENT)[0])
    WebhookDelivery.objects.exclude(pk__in=[delivery.pk, plain.pk]).delete()
    tried(delivery, None)
    assert set(lines(browser)) == {delivery, plain}
    assert lines(browser, f"q={approved.scan_ref}") == [plain]
    assert lines(browser, "state=delivered") == [plain]
    assert lines(browser, "state=trouble") == [delivery]
    assert lines(browser, "code=200") == [plain]
    assert lines(browser, "code=none") == [delivery]
    assert lines(browser, f"endpoint={other.pk}") == []
    assert lines(browser, f"endpoint={delivery.endpoint_id}&code=500") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=%25", "q"),
        ("q=" + "x" * 37, "q"),
        ("state=x", "state"),
        ("code=abc", "code"),
        ("code=999", "code"),
        ("code=%D9%A2%D9%A0%D9%A0", "code"),
        ("endpoint=0", "endpoint"),
        ("endpoint=x", "endpoint"),
        ("after=x", "after"),
        ("after=1-2", "after"),
        ("before=1-00000000-0000-0000-0000-00000000000g", "before"),
        ("state=waiting&state=delivered", "state"),
        (f"after=1-{uuid.UUID(int=1)}&before=1-{uuid.UUID(int=1)}", "after"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_field(
    browser: Client, delivery: WebhookDelivery, query: str, field: str
) -> None:
    answer = browser.get(f"/webhooks/deliveries/?{query}")
    assert answer.status_code == 400
    assert field in answer.context["page"].form.errors
    assert not answer.context["page"].lines
    assert "<title>Error: " in text(answer)


def test_pages_go_both_ways_even_through_one_moment(
    browser: Client, endpoint: WebhookEndpoint, northbank: Partner
) -> None:
    now = timezone.now()
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            partner=northbank,
            event=EVENT,
            sequence=0,
            queued_at=now - timedelta(seconds=number // 70),
        )
        for number in range(120)
    )
    first = browser.get("/webhooks/deliveries/").context["page"]
    second = browser.get(f"/webhooks/deliveries/?{first.older}").context["page"]
    third = browser.get(f"/webhooks/deliveries/?{second.older}").context["page"]
    back = browser.get(f"/webhooks/deliveries/?{second.newer}").context["page"]
    seen = [line.delivery.pk for page in (first, second, third) for line in page.lines]
    assert seen == list(WebhookDelivery.objects.values_list("pk", flat=True))
    assert back.lines == first.lines
    assert not third.older


@pytest.mark.parametrize(("state", "most"), [("", 3), ("delivered", 3), ("trouble", 6)])
def test_a_rare_answer_far_back_is_found_by_going_on(
    browser: Client, northbank: Partner, endpoint: WebhookEndpoint, state: str, most: int
) -> None:
    """No page looks at more than so many rows; each says how far it came, and where to go on."""
    now = timezone.now()
    kind = {"state": "given_up" if state == "trouble" else "delivered", "attempts": 1}
    told = rows.add(northbank)
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(
            endpoint=endpoint,
            partner=northbank,
            verification=told,
            event=EVENT,
            sequence=number,
            queued_at=now - timedelta(seconds=number),
            last_code=418 if number in (7, 950) else 200,
            settled_at=now,
            **kind,
        )
        for number in range(1000)
    )
    query, seen, pages = f"code=418&state={state}", [], 0
    while query:
        page = browser.get(f"/webhooks/deliveries/?{query}").context["page"]
        seen += [now - line.delivery.queued_at for line in page.lines]
        query, pages = page.further or page.older, pages + 1
        assert bool(page.searched_to) == bool(page.further)
    assert seen == [timedelta(seconds=7), timedelta(seconds=950)]
    assert 1000 / keyset.LOOKED_AT <= pages <= most
    shown = text(browser.get("/webhooks/deliveries/?code=599"))
    assert "Nothing found so far." in shown
    assert "Continue searching" in shown


@pytest.mark.parametrize("count", [1, 12])
def test_pages_ask_the_database_a_fixed_number_of_times(
    browser: Client,
    northbank: Partner,
    denied: Verification,
    django_assert_max_num_queries: Any,
    count: int,
) -> None:
    for number in range(count):
        factories.endpoint(northbank, name=f"Number {number}")
    made = outbox.queue(denied, EVENT)[0]
    for _ in range(count):
        tried(made, answer=b"no")
    browser.get("/webhooks/")
    for address in ("/webhooks/", "/webhooks/deliveries/", of(made.endpoint), at(made)):
        with django_assert_max_num_queries(QUERIES[address.split("/")[2]]):
            browser.get(address)


QUERIES = {"": 10, "deliveries": 24, "endpoints": 12}


# One delivery


def test_a_delivery_shows_what_was_sent_and_each_try(
    browser: Client, delivery: WebhookDelivery
) -> None:
    tried(delivery, 503, b"busy <b>now</b> \xff\x00\x1b")
    tried(delivery, None)
    page = text(browser.get(at(delivery)))
    assert "busy &lt;b&gt;now&lt;/b&gt; \ufffd\ufffd\ufffd" in page
    assert "The connection was refused." in page
    assert page.index("The connection was refused.") < page.index("busy")
    assert "&#34;overall&#34;: &#34;DENIED&#34;" in page
    assert f"{len(vault.opened(delivery.body)):,} bytes" in page


def test_what_the_verification_hides_is_hidden_in_body_and_answers_until_asked_for(
    browser: Client, endpoint: WebhookEndpoint, receive: Callable[..., Verification]
) -> None:
    link = "https://files.example/bill.pdf?signature=1"
    told = {"docNumber": "AB1234567", "address": "1 Hidden Street"}
    it = receive("03", data=told, additionalStepPdfUrls={"UTILITY_BILL": link})
    sent = tried(outbox.queue(it, EVENT)[0], 400, b"bad number: ab-123 4567")
    page = text(browser.get(at(sent)))
    secrets = ("AB1234567", "1 Hidden Street", "ab-123", link)
    assert not [secret for secret in secrets if secret in page]
    page = text(browser.post(at(sent, "reveal/")))
    assert all(secret in page for secret in secrets)
    assert browser.get(at(sent, "reveal/")).status_code == 302


def test_looking_at_a_body_is_a_look_at_its_verification(
    ada: User, browser: Client, delivery: WebhookDelivery
) -> None:
    assert delivery.verification
    looks = AuditEntry.objects.filter(
        kind=Kind.VIEWED, actor=ada.pk, subject=delivery.verification.audit_subject
    )
    browser.get("/webhooks/deliveries/")
    assert looks.count() == 0
    browser.get(at(delivery))
    assert looks.count() == 1
    browser.post(at(delivery, "reveal/"))
    assert '"revealed":true' in looks.order_by("-pk")[0].body


def test_no_internal_note_is_shown(
    ada: User, browser: Client, endpoint: WebhookEndpoint, approved: Verification
) -> None:
    decide(ada, approved, Action.DENY, "OTHER", internal_note="nobody outside reads this")
    sent = WebhookDelivery.objects.get()
    assert "nobody outside reads this" not in text(browser.get(at(sent)))
    assert "nobody outside reads this" not in text(browser.post(at(sent, "reveal/")))


def test_an_erased_body_is_said_to_be(browser: Client, delivery: WebhookDelivery) -> None:
    DeliveryBody.objects.all().delete()
    assert "Its body was erased." in text(browser.get(at(delivery)))


def test_the_newest_is_sent_again_as_it_was(
    ada: User, browser: Client, delivery: WebhookDelivery
) -> None:
    settled(delivery)
    assert "Send again</button>" in text(browser.get(at(delivery)))
    for _ in range(2):
        assert browser.post(at(delivery, "resend/"), {"seen_tries": 1}).status_code == 302
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING
    assert WebhookDelivery.objects.count() == 1


def test_a_request_that_comes_late_sends_nothing_more(
    browser: Client, delivery: WebhookDelivery
) -> None:
    settled(delivery)
    browser.post(at(delivery, "resend/"), {"seen_tries": 1})
    settled(delivery)
    page = text(browser.post(at(delivery, "resend/"), {"seen_tries": 1}, follow=True))
    assert "It was tried meanwhile" in page
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DELIVERED


@pytest.fixture
def older(delivery: WebhookDelivery, denied: Verification) -> WebhookDelivery:
    settled(delivery)
    settled(outbox.queue(denied, EVENT)[0])
    return delivery


def test_an_older_one_is_answered_by_the_present_state(
    browser: Client, older: WebhookDelivery
) -> None:
    page = text(browser.get(at(older)))
    assert "A newer message has followed it." in page
    assert "Send again</button>" not in page
    answer = browser.post(at(older, "resend/"), {"seen_tries": 1})
    assert answer.status_code == 409
    page = text(browser.post(at(older, "present/"), follow=True))
    made = WebhookDelivery.objects.get(sequence=3)
    assert str(made.pk) in page
    assert browser.post(at(older, "present/")).status_code == 409
    assert WebhookDelivery.objects.count() == 3


def test_where_no_body_is_left_the_present_state_cannot_be_told(
    browser: Client, older: WebhookDelivery
) -> None:
    assert older.verification
    older.verification.callbacks.get().body.delete()
    answer = browser.post(at(older, "present/"))
    assert answer.status_code == 409
    assert "Nothing can be told" in text(answer)


def test_a_test_has_no_present_state(browser: Client, ada: User, endpoint: WebhookEndpoint) -> None:
    test = settled(endpoints.send_test(endpoint, ada))
    assert browser.post(at(test, "present/")).status_code == 404
    assert "Send the present state" not in text(browser.get(at(test)))


def test_the_home_page_leads_to_what_is_in_trouble(
    browser: Client, delivery: WebhookDelivery
) -> None:
    tried(delivery)
    address = "/webhooks/deliveries/?state=trouble"
    assert f'href="{address}"' in text(browser.get("/"))
    assert lines(browser, "state=trouble") == [delivery]


def test_what_waited_for_a_removed_endpoint_is_no_trouble(
    ada: User, browser: Client, delivery: WebhookDelivery
) -> None:
    tried(delivery)
    endpoints.remove(delivery.endpoint, ada, seen_revision=1)
    assert "failed" not in text(browser.get("/"))
    assert lines(browser, "state=trouble") == []
