"""Whatever stands in a text field, no page of ours runs it, and none becomes more than text."""

import json
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import TimeoutError as TooLong

from accounts import rights
from accounts.models import User
from tests import hostile
from tests.browser import places
from tests.browser.conftest import SignIn, Watch
from tests.browser.places import PLACES
from tests.browser.test_admin import LISTS, ROWS
from tests.browser.test_pages import CAST
from verifications import vault
from verifications.models import AttemptAnswer, Hold, RejectionReason, WebhookAttempt

pytestmark = pytest.mark.slow

# Set before any script of a page: what a payload would call, and what the policy refused.
LISTEN = """
window.seen = [];
window.hit = number => window.seen.push(`ran ${number}`);
for (const name of ["alert", "confirm", "prompt", "print"])
  window[name] = text => window.seen.push(`${name} ${text}`);
document.addEventListener("securitypolicyviolation",
  it => window.seen.push(`policy: ${it.violatedDirective} ${it.blockedURI} ${it.sample}`));
"""
# What can only have come from a payload, and what no page of ours holds at all.
SEARCH = """
() => {
  const odd = ".hit, iframe, object, embed, base, marquee, math, x, animate, " +
    "script:not([src^='/static/'], [src='/admin/jsi18n/'], #passkey-options), style";
  const found = [...document.querySelectorAll(odd)].map(it => it.outerHTML.slice(0, 200));
  for (const it of document.querySelectorAll("*"))
    for (const {name, value} of it.attributes) {
      // Set by our own script, while there is time to undo.
      if (it.matches(".grace") && name === "style" && /^--grace: \\d+ms;$/.test(value)) continue;
      // How large a picture is, likewise.
      if (it.matches(".viewer-sheet") && name === "style" && /^[-\\w.:; ]+$/.test(value)) continue;
      if (name.startsWith("on") || name === "style" || name === "srcdoc") found.push(it.outerHTML);
      const leads = ["href", "src", "action", "formaction", "xlink:href"].includes(name);
      const scheme = value.replace(/[\\x00-\\x20]/g, "").toLowerCase();
      if (leads && (/^(javascript|vbscript|data):/.test(scheme) || /^.?.?\\/\\/hit/.test(scheme)))
        found.push(`${name}=${value}`);
    }
  if (document.documentElement.outerHTML.includes("9801547")) found.push("reckoned");
  const texts = [...document.querySelectorAll("input, textarea")].map(it => it.value);
  return {wrong: [...window.seen, ...found], text: document.body.textContent + texts.join(" ")};
}
"""
# They spend what others need: an account's tries, a decision, an invitation.
ONCE = {
    "sign-in throttled",
    "deny, conflict",
    "dispose, conflict",
    "deny, form expired",
    "undo too late",
    "undo, taken back already",
    "invite, pressed too late",
}


class Hostile(places.World):
    """The same world, in which every text that anybody may write is a payload."""

    def __init__(self, people: dict[str, User]) -> None:
        self.one = cycle(hostile.PAYLOADS).__next__
        for user in people.values():
            user.name = self.one()
            user.save()
        super().__init__(people)
        self.partner.name = self.one()
        self.partner.save()
        self.endpoint.name, self.endpoint.switched_off_why = self.one(), self.one()
        self.endpoint.headers = {"X-Own": self.one()}
        self.endpoint.save()
        Hold.objects.update(reference=self.one())
        for number in range(6):
            RejectionReason.objects.create(
                partner=self.partner, code=f"OWN_{number}", label=self.one(), group="other"
            )
        delivery = self.decision.deliveries.get()
        for number in range(1, 5):
            tried = WebhookAttempt.objects.create(
                delivery=delivery,
                number=number,
                started_at=delivery.queued_at,
                milliseconds=1,
                code=500,
                problem=self.one(),
            )
            answer = AttemptAnswer(attempt=tried)
            answer.sealed = vault.sealed(answer, self.text("").encode()[:1024])
            answer.save()

    def text(self, plain: str) -> str:
        return "\n".join([plain, *hostile.PAYLOADS])[:4000]

    def sent(self, sample: str) -> tuple[str, bytes]:
        event, raw = super().sent(sample)
        spared = hostile.DECIDING if sample in ("01", "07") else hostile.DECIDING[:2]
        body = hostile.spread(json.loads(raw), event, self.one, spared)
        return event, json.dumps(body).encode()


@pytest.fixture
def world(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Hostile:
    photos = settings.STORAGES["photos"]
    place = photos["OPTIONS"] | {"location": tmp_path}
    settings.STORAGES = settings.STORAGES | {"photos": photos | {"OPTIONS": place}}
    settings.DEMO = True
    return Hostile({name: request.getfixturevalue(name) for name in CAST})


class Search:
    """Opens pages one after the other, and keeps what should not be and which payloads showed."""

    def __init__(self, open_context: Callable[..., BrowserContext], sign_in: SignIn) -> None:
        self.open_context, self.sign_in = open_context, sign_in
        self.pages: dict[str, Page] = {}
        self.wrong: list[str] = []
        self.shown: set[str] = set()
        self.count = 0

    def page_of(self, user: User | None) -> Page:
        who = user.email if user else ""
        if who not in self.pages:
            context = self.open_context()
            context.add_init_script(LISTEN)
            self.pages[who] = context.new_page()
            self.pages[who].on("dialog", lambda it: self.wrong.append(f"dialog {it.message}"))
            if user:
                self.sign_in(self.pages[who], user)
        return self.pages[who]

    def look(self, page: Page, where: str) -> None:
        page.wait_for_load_state("load")
        told = page.evaluate(SEARCH)
        self.count += 1
        self.wrong += [f"{where}: {it}" for it in told["wrong"]]
        text = " ".join(told["text"].split())
        self.shown |= {it for it in hostile.PAYLOADS if " ".join(it.split()) in text}


def test_no_page_runs_what_stands_in_its_texts(
    world: Hostile,
    watch: Watch,
    open_context: Callable[..., BrowserContext],
    sign_in: SignIn,
) -> None:
    search = Search(open_context, sign_in)
    watch.expect(400, 403, 404, 405, 409, 414, 422, 429)
    for name, place in PLACES.items():
        page = search.page_of(world.people.get(place.who))
        if name not in ONCE:
            page.goto(place.resolve(world))
            if place.steps:
                place.steps(page, world)
            search.look(page, name)
    print(f"{search.count} pages, {len(search.shown)} of {len(hostile.PAYLOADS)} payloads shown")
    assert search.count > 80
    assert len(search.shown) >= 60
    assert not search.wrong, "\n".join(search.wrong[:20])


def test_no_page_runs_what_was_just_typed(
    world: Hostile,
    watch: Watch,
    open_context: Callable[..., BrowserContext],
    sign_in: SignIn,
) -> None:
    search = Search(open_context, sign_in)
    watch.expect(400, 403, 404, 422, 429)
    page = search.page_of(world.people["ada"])
    asked = ("verifications/?q=", "filter/?q=", "webhooks/deliveries/?q=", "audit/?who=", "x?next=")
    for number, payload in enumerate(hostile.PAYLOADS):
        page.goto(f"/{asked[number % len(asked)]}{quote(payload)}&tag={quote(payload)}")
        search.look(page, payload)
    for path in ("deny/", "notes", "team/invite/", "webhooks/endpoints/add/", "profile/"):
        one = f"/verifications/{world['suspected'].scan_ref}/"
        page.goto({"deny/": f"{one}deny/", "notes": one}.get(path, f"/{path}"))
        fields = page.locator("main").locator("textarea, input[type=text], input:not([type])")
        for field in fields.all():
            _type(field, world.text(""))
        if path == "deny/":
            page.get_by_role("button", name="Preview").click()
        search.look(page, path)
    assert search.count == len(hostile.PAYLOADS) + 5
    assert not search.wrong, "\n".join(search.wrong[:20])


def _type(field: Any, text: str) -> None:
    try:
        field.fill(text, timeout=500)
    except TooLong:
        return  # out of sight, or read only


def test_no_page_of_support_runs_what_stands_in_its_texts(
    world: Hostile,
    watch: Watch,
    open_context: Callable[..., BrowserContext],
    sign_in: SignIn,
    sue: User,
) -> None:
    search = Search(open_context, sign_in)
    watch.expect(400, 403, 404)
    it = world["suspected"]
    root = User.objects.create_superuser("root@support.example", name=world.one())
    waiting = rights.propose(world.people["mo"], rights.Rights(is_staff=True), actor=root)
    numbers = {"partner": world.partner.pk, "user": world.people["mo"].pk, "rights": waiting.pk}
    numbers |= {"verification": it.pk, "callback": it.callbacks.latest("pk").pk}
    page = search.page_of(sue)
    more = ["verifications/decision/", f"verifications/decision/{world.decision.pk}/change/"]
    more += [f"verifications/webhookendpoint/{world.endpoint.pk}/change/", "accounts/user/"]
    more += ["verifications/webhookattempt/", "accounts/membership/?q=%22%3E%3Cimg%20class=hit%3E"]
    for address in (*LISTS, *ROWS, *more):
        page.goto(f"/admin/{address.format(**numbers)}")
        search.look(page, address)
    assert search.count > 20
    assert not search.wrong, "\n".join(search.wrong[:20])


@pytest.mark.parametrize("payload", ["<img class=hit src=x onerror=hit(1)>", "<base class=hit>"])
def test_what_became_more_than_text_would_be_found(
    payload: str, open_context: Callable[..., BrowserContext], sign_in: SignIn, watch: Watch
) -> None:
    search = Search(open_context, sign_in)
    watch.expect(404)
    page = search.page_of(None)
    page.goto("/accounts/login/")
    page.evaluate("text => { document.querySelector('main').innerHTML = text; }", payload)
    page.wait_for_timeout(200)
    search.look(page, "login")
    watch.seen.clear()
    assert search.wrong
