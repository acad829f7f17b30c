"""Every page there is, and the states of it that look different: who gets there, and how."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from accounts import budgets
from accounts.models import Membership, User
from accounts.models.session import SessionStore
from tests import factories
from verifications import decisions, disposal, holds, notes
from verifications.callbacks import intake
from verifications.models import (
    HoldReason,
    Photo,
    RejectionReason,
    Verification,
    WebhookDelivery,
)
from verifications.statuses import Action

SAMPLES = {
    "approved": "01",
    "denied": "03",
    "suspected": "07",
    "reviewing": "25",
    "expired": "05",
    "watchlisted": "10",
    "document_only": "13",
    "decided": "02",
    "utility_bill": "16",
    "questioned": "17",
    "rated": "18",
    "addressed": "19",
    "bare": "20",
    "disposed": "04",
    "old": "21",
    "unknown_codes": "23",
}


class World:
    """What stands in the database: one verification of each kind, one of them decided by Ada."""

    def __init__(self, people: dict[str, User]) -> None:
        self.people = people
        self.partner = factories.NorthbankFactory(undo_seconds=60)
        self.endpoint = factories.endpoint(self.partner)
        self.verifications = {name: self._received(sample) for name, sample in SAMPLES.items()}
        for photo in Photo.objects.filter(verification__in=(self["approved"], self["suspected"])):
            _store(photo)
        self.decision = self.decide("ada", "decided", Action.DENY)
        self.invitation = factories.invitation(self.partner, people["ada"])
        self.link = factories.newest_link()
        self.view = factories.saved_view(people["ada"], "Denied this morning")
        factories.saved_view(people["ada"], "Reviewing, Germany", "country=DE&status=REVIEWING")
        ada = factories.membership(people["ada"])
        note = self.text("She called: the old passport was lost.")
        notes.write(ada, self["decided"], text=note, request_key=uuid.uuid4())
        holds.place(ada, self["document_only"], HoldReason.DISPUTE, "2026/17")
        self._dispose(ada, "disposed")

    def _dispose(self, ada: Membership, name: str) -> None:
        it = self.verifications.pop(name)
        disposal.dispose(ada, it, seen_revision=it.revision, request_key=uuid.uuid4())

    def __getitem__(self, name: str) -> Verification:
        return Verification.objects.get(pk=self.verifications[name].pk)

    def text(self, plain: str) -> str:
        """What somebody wrote."""
        return plain

    def sent(self, sample: str) -> tuple[str, bytes]:
        """Event and body, as the provider sent them."""
        return factories.sample(sample)

    def _received(self, sample: str) -> Verification:
        event, raw = self.sent(sample)
        callback = intake.receive(self.partner, event, raw).callback
        assert callback.verification, sample
        return callback.verification

    def decide(self, who: str, name: str, action: Action) -> decisions.Decision:
        reasons = RejectionReason.objects.filter(code="DOC_FAKE") if action == Action.DENY else ()
        intent = decisions.Intent(
            action=action,
            seen_revision=self[name].revision,
            request_key=uuid.uuid4(),
            reasons=list(reasons),
            message_to_applicant=self.text("Please send a photo of your passport."),
        )
        return decisions.decide(factories.membership(self.people[who]), self[name].scan_ref, intent)

    def settle(self, name: str) -> None:
        """Nobody is being told of it any more, and the time to undo is over."""
        WebhookDelivery.objects.filter(verification=self[name]).update(
            **factories.in_state("delivered")
        )
        Verification.objects.filter(pk=self[name].pk).update(decision=None, decided_by=None)

    def claim(self) -> None:
        """A worker is telling of the decision right now."""
        until = timezone.now() + timedelta(seconds=60)
        self.decision.deliveries.update(claimed_until=until)

    def undo(self) -> None:
        ada = factories.membership(self.people["ada"])
        key = uuid.uuid4()
        decisions.undo(ada, self["decided"], decision_id=self.decision.pk, request_key=key)


def _store(photo: Photo) -> None:
    photo.width, photo.height, photo.fetched_at = 640, 400, timezone.now()
    factories.store(photo, factories.jpeg(size=(640, 400)))


@dataclass(frozen=True)
class Place:
    """`who` is "" for nobody; `steps` lead from the address to the state that is meant."""

    address: str
    who: str = "ada"
    status: int = 200
    steps: Callable[[Page, World], None] | None = None

    def resolve(self, world: World) -> str:
        refs = {name: it.scan_ref for name, it in world.verifications.items()}
        tag = world["suspected"].tags.filter(kind="mismatch").first()
        refs["tag"] = str(tag.pk) if tag else ""
        refs["endpoint"] = str(world.endpoint.pk)
        refs["invitation"] = world.link
        refs["colleague"] = str(factories.membership(world.people["mo"]).pk)
        refs["view"] = str(world.view.pk)
        refs["own"] = str(factories.membership(world.people["ada"]).pk)
        refs["delivery"] = str(world.decision.deliveries.get().pk)
        return self.address.format(**refs)


def press(name: str) -> Callable[[Page, World], None]:
    return lambda page, world: page.get_by_role("button", name=name, exact=True).click()


def follow(name: str) -> Callable[[Page, World], None]:
    return lambda page, world: page.get_by_role("link", name=name, exact=True).click()


def open_deny(page: Page, world: World) -> None:
    follow("Deny")(page, world)
    page.get_by_role("dialog").wait_for()


def open_filters(page: Page, world: World) -> None:
    follow("Add filter")(page, world)
    page.get_by_role("dialog").wait_for()


def open_saving(page: Page, world: World) -> None:
    follow("Save view")(page, world)
    page.get_by_role("dialog").wait_for()


def deny_in_the_window_without_a_reason(page: Page, world: World) -> None:
    open_deny(page, world)
    press("Deny verification")(page, world)
    page.locator("#reasons-error").wait_for()


def dispose_too_late(page: Page, world: World) -> None:
    world.decide("amos", "denied", Action.APPROVE)
    world.settle("denied")
    page.get_by_role("checkbox").check()
    press("Dispose of its data")(page, world)


def hold_without_a_reason(page: Page, world: World) -> None:
    page.locator("summary", has_text="Put it on hold").click()
    press("Hold")(page, world)


def deny_too_late(page: Page, world: World) -> None:
    world.decide("amos", "suspected", Action.DENY)
    page.locator("input[name=reasons]").first.check()
    press("Deny verification")(page, world)


def undo_too_late(page: Page, world: World) -> None:
    world.claim()
    press("Undo")(page, world)


def undo_again(page: Page, world: World) -> None:
    world.undo()
    press("Undo")(page, world)


def deny_without_a_token(page: Page, world: World) -> None:
    page.get_by_role("textbox", name="Internal note").fill("Not to be lost")
    page.context.clear_cookies(name="csrf")
    press("Deny verification")(page, world)


def sign_in_wrongly(page: Page, world: World) -> None:
    page.get_by_label("E-mail").fill("ada@northbank.example")
    page.get_by_label("Password", exact=True).fill("wrong")
    press("Sign in")(page, world)


def sign_in_wrongly_too_often(page: Page, world: World) -> None:
    for _ in range(6):
        sign_in_wrongly(page, world)
        page.get_by_role("alert").first.wait_for()


def show_the_keys(page: Page, world: World) -> None:
    page.wait_for_load_state("networkidle")
    page.keyboard.press("?")
    page.locator("#keys").wait_for()


def press_key(key: str) -> Callable[[Page, World], None]:
    def step(page: Page, world: World) -> None:
        page.wait_for_load_state("networkidle")
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()

    return step


def open_everything(page: Page, world: World) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")


def undo_for_ever(page: Page, world: World) -> None:
    field = page.locator("input[name=undo_seconds]")
    field.fill("3600")
    form = page.locator("form").filter(has=field)
    form.evaluate("it => { it.noValidate = true; }")
    form.get_by_role("button").click()


def invite_nobody(page: Page, world: World) -> None:
    press("Send the invitation")(page, world)
    page.locator("#id_email-error").wait_for()


def press_too_late(page: Page, world: World) -> None:
    """What was pressed waits until it is proven who pressed it."""
    page.get_by_label("E-mail").fill("tea@new.example")
    forget_proof(page)
    press("Send the invitation")(page, world)
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    press("Continue")(page, world)
    page.get_by_role("button", name="Go on").wait_for()


def forget_proof(page: Page) -> None:
    name = settings.SESSION_COOKIE_NAME
    (key,) = [it["value"] for it in page.context.cookies() if it["name"] == name]
    session = SessionStore(key)
    del session["account_authentication_methods"]
    session.save()


def export_too_often(page: Page, world: World) -> None:
    ada, partner = world.people["ada"], world.partner
    for _ in range(settings.EXPORTS_PER_DAY):
        budgets.spend_export(budgets.LIST_EXPORTS, actor=ada, partner=partner, filters=[])
    page.reload()


ONE = "/verifications/{%s}/"

PLACES = {
    "sign-in": Place("/accounts/login/", ""),
    "sign-in refused": Place("/accounts/login/", "", steps=sign_in_wrongly),
    "sign-in throttled": Place("/accounts/login/", "", 429, sign_in_wrongly_too_often),
    "password forgotten": Place("/accounts/password/reset/", ""),
    "password mail sent": Place("/accounts/password/reset/done/", ""),
    "password link spent": Place("/accounts/password/reset/key/1-set-x/", ""),
    "password set anew": Place("/accounts/password/reset/key/done/", ""),
    "not found, signed out": Place("/nothing/", "", 404),
    "home of an Admin": Place("/"),
    "home of a Moderator": Place("/", "mo"),
    "home of a Viewer": Place("/", "vera"),
    "home, menus open": Place("/", steps=open_everything),
    "home where nothing is": Place("/", "otto"),
    "home, keys": Place("/", steps=show_the_keys),
    "list": Place("/verifications/"),
    "list, needs a decision": Place("/verifications/?suspected=yes"),
    "list, filters open": Place("/verifications/?status=DENIED", steps=open_filters),
    "list, one saved view open": Place("/verifications/?status=DENIED"),
    "list, save view open": Place("/verifications/?status=ACTIVE&country=DE", steps=open_saving),
    "save view": Place("/saved/add/?status=ACTIVE&country=DE", "vera"),
    "save view, no name": Place("/saved/add/?status=ACTIVE", "ada", 422, press("Save")),
    "saved view": Place("/saved/{view}/"),
    "filter": Place("/filter/?status=DENIED&country=LT"),
    "filter, question refused": Place("/filter/?country=lt&from=32", status=400),
    "list, nothing found": Place("/verifications/?q=Nobody+at+all"),
    "list, empty": Place("/verifications/", "otto"),
    "export": Place("/export/?status=DENIED&q=Okoro", "mo"),
    "export of everything": Place("/export/"),
    "export, all taken": Place("/export/?tag=NAME", steps=export_too_often),
    "export, question refused": Place("/export/?status=NONSENSE", status=400),
    "export, not for a Viewer": Place("/export/", "vera", 403),
    "list, question refused": Place("/verifications/?status=NONSENSE&from=32", status=400),
    **{f"details, {name}": Place(ONE % name) for name in SAMPLES if name != "disposed"},
    "details of a Viewer": Place(ONE % "suspected", "vera"),
    "details of a Moderator": Place(ONE % "approved", "mo", steps=open_everything),
    "details, all open": Place(ONE % "suspected", steps=open_everything),
    "details, revealed": Place(ONE % "approved", steps=press("Show hidden values")),
    "details, note refused": Place(ONE % "approved", status=422, steps=press("Add note")),
    "details, Deny open": Place(ONE % "suspected", steps=open_deny),
    "details, Deny refused": Place(
        ONE % "suspected", status=422, steps=deny_in_the_window_without_a_reason
    ),
    "details of another partner": Place(ONE % "approved", "otto", 404),
    "details, picture open": Place(ONE % "suspected", steps=press_key("z")),
    "details, two pictures open": Place(ONE % "suspected", steps=press_key("c")),
    "pictures": Place(ONE % "suspected" + "photos/?turn=FACE:90", "vera"),
    "pictures, not stored": Place(ONE % "denied" + "photos/"),
    "pictures, one alone": Place(ONE % "document_only" + "photos/"),
    "pictures, question refused": Place(ONE % "approved" + "photos/?show=NEVER", status=400),
    "approve": Place(ONE % "denied" + "approve/"),
    "deny": Place(ONE % "suspected" + "deny/"),
    "deny, previewed": Place(ONE % "suspected" + "deny/", steps=press("Preview")),
    "deny, no reason": Place(ONE % "suspected" + "deny/", "ada", 422, press("Deny verification")),
    "deny, conflict": Place(ONE % "suspected" + "deny/", "ada", 409, deny_too_late),
    "deny, form expired": Place(ONE % "suspected" + "deny/", "ada", 403, deny_without_a_token),
    "approve, refused by role": Place(ONE % "denied" + "approve/", "mo", 403),
    "approve, refused by status": Place(ONE % "approved" + "approve/", "ada", 403),
    "undo too late": Place(ONE % "decided", "ada", 409, undo_too_late),
    "undo, taken back already": Place(ONE % "decided", "ada", 200, undo_again),
    "undo by address": Place(ONE % "decided" + "undo/"),
    "details, hold refused": Place(ONE % "approved", "ada", 422, hold_without_a_reason),
    "dispose": Place(ONE % "approved" + "dispose/"),
    "dispose, not ticked": Place(
        ONE % "denied" + "dispose/", "ada", 422, press("Dispose of its data")
    ),
    "dispose, conflict": Place(ONE % "denied" + "dispose/", "ada", 409, dispose_too_late),
    "dispose, refused by a hold": Place(ONE % "document_only" + "dispose/", "ada", 403),
    "dispose, refused while told": Place(ONE % "decided" + "dispose/", "ada", 403),
    "disposed": Place("/disposed/", "vera"),
    "disposed, none": Place("/disposed/", "otto"),
    "disposed, nothing found": Place("/disposed/?kind=retention"),
    "disposed, question refused": Place("/disposed/?from=32&kind=x", status=400),
    "remove a tag": Place(ONE % "suspected" + "tags/{tag}/remove/"),
    "not found": Place("/nothing/", "ada", 404),
    "unreadable": Place("/verifications/?q=%00", "ada", 400),
    "address too long": Place("/verifications/?q=" + "x" * 5000, "ada", 414),
    "webhooks": Place("/webhooks/"),
    "webhooks where there are none": Place("/webhooks/", "otto"),
    "webhooks, not for a Viewer": Place("/webhooks/", "vera", 403),
    "webhooks, time to undo refused": Place("/webhooks/", "ada", 422, undo_for_ever),
    "webhook, new": Place("/webhooks/endpoints/add/"),
    "webhook": Place("/webhooks/endpoints/{endpoint}/"),
    "webhook, new key": Place("/webhooks/endpoints/{endpoint}/rotate/"),
    "webhook, removal": Place("/webhooks/endpoints/{endpoint}/remove/"),
    "deliveries": Place("/webhooks/deliveries/"),
    "deliveries, nothing found": Place("/webhooks/deliveries/?q=nothing"),
    "delivery": Place("/webhooks/deliveries/{delivery}/", steps=open_everything),
    "delivery, body": Place("/webhooks/deliveries/{delivery}/reveal/"),
    "audit log": Place("/audit/"),
    "audit log, question refused": Place("/audit/?from=32", status=400),
    "team": Place("/team/"),
    "team, not for a Moderator": Place("/team/", "mo", 403),
    "invite": Place("/team/invite/"),
    "invite nobody": Place("/team/invite/", "ada", 422, invite_nobody),
    "invite, pressed too late": Place("/team/invite/", steps=press_too_late),
    "colleague": Place("/team/{colleague}/"),
    "colleague, oneself": Place("/team/{own}/"),
    "invitation": Place("{invitation}", ""),
    "invitation, refused": Place("{invitation}", "", 422, press("Join")),
    "invitation of somebody else": Place("{invitation}", "otto", 403),
    "invitation, over": Place("/accounts/invitation/" + "A" * 43 + "/", "", 404),
    "profile": Place("/profile/"),
    "demo receiver": Place("/demo/receiver/"),
    "password change": Place("/accounts/password/change/"),
    "sessions": Place("/accounts/sessions/"),
    "second factors": Place("/accounts/2fa/"),
    "authenticator app": Place("/accounts/2fa/totp/activate/"),
    "passkeys": Place("/accounts/2fa/webauthn/"),
    "passkey, new": Place("/accounts/2fa/webauthn/add/"),
    "sign out by a link": Place("/accounts/logout/", "ada", 405),
    "confirm who you are": Place("/accounts/reauthenticate/"),
}
