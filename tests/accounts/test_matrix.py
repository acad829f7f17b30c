"""Every address, verb and role against tests/permissions.toml; and that each check is needed."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import team
from accounts.models import Invitation, Membership, Rank
from accounts.statements import Statement, Written
from accounts.support import SupportSite
from idv_dashboard.middleware import HEADERS
from tests.fuzz.walk import FORM, Cell, Walker
from tests.fuzz.world import ROLES, World, patterns, stay_here
from tests.verifications import test_policy
from verifications import policy, saved_views
from verifications.models import SavedView, WebhookDelivery, WebhookEndpoint
from verifications.models.verification import VerificationQuerySet
from verifications.statuses import Action
from verifications.views import deliveries, webhooks

TABLE = tomllib.loads((Path(__file__).parent.parent / "permissions.toml").read_text("utf-8"))
CELLS: dict[str, dict[str, list[int]]] = TABLE["cells"]
EXPECTED: dict[Cell, int] = {
    (pattern, method, role): status
    for pattern, row in CELLS.items()
    for method, statuses in row.items()
    for role, status in zip(TABLE["roles"], statuses, strict=True)
}
OWN = [pattern for pattern in CELLS if not pattern.startswith(("accounts/", "admin/"))]
OF_ONE = [pattern for pattern in OWN if "<" in pattern and "partner_key" not in pattern]
NOT_HERE = "00000000-0000-4000-8000-000000000000"
# Pictures may be framed by nothing and run nothing: stricter than the pages.
STRICTER = {"verifications/<str:scan_ref>/photos/<path:kind>/": {"Content-Security-Policy"}}


@pytest.fixture
def world(db: None, settings: LazySettings, tmp_path: Path) -> World:
    settings.STORAGES, settings.DEMO = stay_here(str(tmp_path)), True
    made = World()
    made.store_photos()
    return made


@pytest.fixture
def walker(world: World) -> Walker:
    return Walker(world)


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert set(patterns()) == CELLS.keys()
    assert TABLE["roles"] == list(ROLES)
    assert all(row.keys() == {"GET", "POST"} for row in CELLS.values())


@pytest.mark.slow
def test_every_cell_of_the_matrix_is_as_written(walker: Walker) -> None:
    found = walker.statuses(CELLS)
    unexpected = {cell: (found[cell], EXPECTED[cell]) for cell in found}
    unexpected = {cell: pair for cell, pair in unexpected.items() if pair[0] != pair[1]}
    print(f"{len(CELLS)} addresses, {len(found)} cells, {len(unexpected)} unexpected")
    assert len(found) == len(EXPECTED)
    assert not unexpected


def test_a_verb_that_an_own_address_does_not_take_is_answered_with_405(walker: Walker) -> None:
    for pattern in OWN:
        # Who may do most at this address; the first answer of the mark is not in the way.
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"):
            with walker.asked("admin", method, walker.world.path(pattern)) as answer:
                takes = method in ("GET", "POST") and EXPECTED[pattern, method, "admin"] != 405
                assert (answer.status_code == 405) != takes, (pattern, method)


def test_what_is_of_another_partner_is_answered_like_what_never_existed(walker: Walker) -> None:
    for pattern in OF_ONE:
        foreign = walker.world.path(pattern, is_foreign=True)
        for method in ("GET", "POST"):
            if EXPECTED[pattern, method, "admin"] == 405:
                continue
            seen = [_all_of(walker, "admin", method, path) for path in (foreign, _nowhere(pattern))]
            assert seen[0] == seen[1], (method, foreign)
            assert seen[0][0] == 404, (method, foreign)


def _all_of(walker: Walker, role: str, method: str, path: str) -> tuple[Any, ...]:
    with walker.asked(role, method, path, content_type=FORM) as answer:
        return answer.status_code, answer.content, sorted(answer.items()), answer.cookies.output()


def _nowhere(pattern: str) -> str:
    path = pattern.replace("<str:scan_ref>", "never-was").replace("<path:kind>", "FRONT")
    path = path.replace("<int:tag_id>", "1").replace("<int:pk>", "999999")
    return "/" + path.replace("<uuid:key>", NOT_HERE)


def test_no_post_is_taken_without_its_token(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["admin"])
    taken = [it for it in CELLS if EXPECTED[it, "POST", "admin"] not in (404, 405)]
    signed = {"callbacks/idenfy/<slug:partner_key>/", "demo/receiver/inbox/"}
    for pattern in set(taken) - signed:
        assert client.post(world.path(pattern)).status_code == 403, pattern


def test_every_answer_carries_every_header(walker: Walker) -> None:
    seen: dict[int, int] = {}
    for pattern in CELLS:
        for role, method in (("admin", "GET"), ("admin", "POST"), ("viewer", "GET")):
            with walker.asked(role, method, walker.world.path(pattern)) as answer:
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                _assert_headers(pattern, answer)
        for role, method in (("anonymous", "PUT"), ("support", "GET")):
            with walker.asked(role, method, walker.world.path(pattern)) as answer:
                _assert_headers(pattern, answer)
    print(f"answers with all headers, by status: {dict(sorted(seen.items()))}")
    assert {200, 302, 403, 404, 405} <= seen.keys()


def _assert_headers(pattern: str, answer: Any) -> None:
    for name, value in HEADERS.items():
        if name in STRICTER.get(pattern, ()) and answer.status_code == 200:
            assert answer[name] == "default-src 'none'; sandbox"
        else:
            assert answer[name] == value, (pattern, name)
    assert answer["Cache-Control"] == "no-store, private", pattern
    assert all(morsel["httponly"] for morsel in answer.cookies.values() if morsel.value), pattern


def _url_patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[Any]:
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _url_patterns(pattern, path)
        else:
            yield path, pattern


Patch = pytest.MonkeyPatch
Mutation = tuple[str, Callable[[Patch], None], list[str]]


def _marked() -> Iterator[tuple[str, URLPattern, FunctionType]]:
    """Own addresses behind access.member(), with the function that holds the check."""
    for path, pattern in _url_patterns():
        view = pattern.callback
        while view is not None and "rank" not in getattr(view, "__code__", FREE).co_freevars:
            view = getattr(view, "__wrapped__", None)
        if view is not None:
            yield path, pattern, view


FREE = (lambda: None).__code__


def _without_marks() -> Iterator[Mutation]:
    for path, pattern, guarded in _marked():
        place = guarded.__code__.co_freevars.index("rank")
        cell = (guarded.__closure__ or ())[place]

        def remove(patch: Patch, pattern: Any = pattern, guarded: Any = guarded) -> None:
            patch.setattr(pattern, "callback", guarded.__wrapped__)

        def lower(patch: Patch, cell: Any = cell) -> None:
            patch.setattr(cell, "cell_contents", Rank.VIEWER)

        yield f"{path} without its mark", remove, [path]
        if cell.cell_contents > Rank.VIEWER:
            yield f"{path} for every rank", lower, [path]


def _without_queries() -> Iterator[Mutation]:
    def all_(patch: Patch) -> None:
        patch.setattr(VerificationQuerySet, "visible_to", lambda rows, *_: rows)
        # Not by statements that were written before.
        patch.setattr(Statement, "written", property(lambda it: Written(it.queryset())))

    def endpoint(patch: Patch) -> None:
        patch.setattr(webhooks.queues, "find", lambda _, pk: WebhookEndpoint.objects.get(pk=pk))

    def delivery(patch: Patch) -> None:
        patch.setattr(deliveries.detail, "find", lambda _, pk: WebhookDelivery.objects.get(pk=pk))

    def note(patch: Patch) -> None:
        patch.setattr(policy, "may_note", lambda _: True)

    yield "visible_to: all", all_, [it for it in OWN if "scan_ref" in it]
    yield "endpoints of all partners", endpoint, [it for it in OWN if "endpoints/<" in it]
    yield "deliveries of all partners", delivery, [it for it in OWN if "<uuid" in it]

    def colleague(patch: Patch) -> None:
        patch.setattr(team, "_members", lambda _: Membership.objects.select_related("user"))

    def asked(patch: Patch) -> None:
        patch.setattr(team, "find_invitation", lambda _, pk: Invitation.objects.get(pk=pk))

    def view(patch: Patch) -> None:
        patch.setattr(saved_views, "find", lambda _, pk: SavedView.objects.get(pk=pk))

    yield "saved views of everybody", view, [it for it in OWN if it.startswith("saved/<")]
    yield "members of all partners", colleague, [it for it in OWN if it.startswith("team/<")]
    yield "invitations of all partners", asked, [it for it in OWN if "invitations/<" in it]
    yield "notes from everybody", note, [it for it in OWN if "notes" in it]


def _without_doors() -> Iterator[Mutation]:
    def open_(patch: Patch) -> None:
        patch.setattr(SupportSite, "has_permission", lambda *_: True)

    yield "admin for everybody", open_, ["admin/", "admin/accounts/partner/"]
    for model, model_admin in admin.site._registry.items():
        base = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
        for what, end in (("add", "add/"), ("delete", "<path:object_id>/delete/")):
            if EXPECTED[base + end, "GET", "support"] == 403:
                yield _granted(model_admin, what, base + end)
        if EXPECTED[f"{base}<path:object_id>/change/", "POST", "support"] == 403:
            yield _granted(model_admin, "change", f"{base}<path:object_id>/change/")


def _granted(model_admin: Any, what: str, path: str) -> Mutation:
    def grant(patch: Patch) -> None:
        patch.setattr(model_admin, f"has_{what}_permission", lambda *_: True)

    return f"{path} granted", grant, [path]


@pytest.mark.slow
def test_each_check_of_the_addresses_is_noticed_when_it_is_gone(walker: Walker) -> None:
    mutations = [*_without_marks(), *_without_queries(), *_without_doors()]
    alive = []
    for name, change, paths in mutations:
        with pytest.MonkeyPatch.context() as patch:
            change(patch)
            get_resolver()._populate()
            found = walker.statuses(paths)
        if all(EXPECTED[cell] == status for cell, status in found.items()):
            alive.append(name)
    print(f"checks removed: {len(mutations)}, noticed: {len(mutations) - len(alive)}")
    assert len(mutations) > 40
    assert not alive


def _gate() -> list[str]:
    """What the policy's written tables give, and the cases beside them."""
    told = []
    for person in test_policy.rows(test_policy.PEOPLE):
        ada = test_policy.someone(*_named(person))
        for status, suspected, *_ in test_policy.rows(test_policy.STANDINGS):
            for partner, action in ((1, Action.APPROVE), (1, Action.DENY), (2, Action.APPROVE)):
                it = test_policy.verification(status, suspected == "yes", partner)
                check = policy.objection(ada, action, it)
                told.append(check.rule if check else "")
    for loose, _ in test_policy.rows(test_policy.LOOSE_ENDS):
        ada = test_policy.someone(40, "on", "on", "completed", test_policy.Plan.PREMIUM)
        it = test_policy.verification("APPROVED", False, loose=loose.split(","))
        check = policy.objection(ada, Action.DISPOSE, it)
        told.append(check.rule if check else "")
    return told


def _named(person: list[str]) -> tuple[Any, ...]:
    rank, approve, deny, pricing, *_ = person
    return int(rank), approve, deny, pricing, test_policy.Plan.PREMIUM


@pytest.mark.parametrize(
    "rule",
    sorted({rule for row in policy.RULES.values() for rule in row}, key=lambda rule: rule.__name__),
)
def test_each_rule_of_the_policy_is_noticed_when_it_always_passes(
    rule: policy.Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _gate()

    def passes(*case: Any) -> policy.Check:
        return rule(*case)._replace(passed=True)

    mutated = {
        action: tuple(passes if it is rule else it for it in rules)
        for action, rules in policy.RULES.items()
    }
    monkeypatch.setattr(policy, "RULES", mutated)
    assert _gate() != before
