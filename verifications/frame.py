"""The frame around every page: where one can go, for whom one works, who one is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts import unsent
from accounts.models import Membership, Rank, User
from verifications import counters
from verifications.statuses import NEEDS_DECISION, Standing


class Link(NamedTuple):
    label: str
    url: str
    icon: str
    is_current: bool
    counter: int = 0
    counter_label: str = ""


class Section(NamedTuple):
    title: str
    links: tuple[Link, ...]


class Work(NamedTuple):
    """A partner that the user works for."""

    number: int
    key: str
    name: str
    role: str


class Account(NamedTuple):
    """Who is signed in, as the frame says it."""

    name: str
    email: str
    initials: str
    is_support: bool
    has_shortcuts: bool
    theme: str
    # For its forms: who they were drawn for.
    mark: str


@dataclass(frozen=True)
class Shell:
    """What stands around a page."""

    sections: tuple[Section, ...]
    work: Work | None
    others: tuple[Work, ...]
    account: Account | None
    environment: str
    searched: str


NOBODY = Shell((), None, (), None, "", "")

# Label, address, icon, and for whom: from this rank up to that one.
OWN = (
    ("Webhooks", "webhooks", "i-send", Rank.ADMIN, Rank.ADMIN),
    ("Webhooks", "delivery_list", "i-send", Rank.MODERATOR, Rank.ADMIN - 1),
    ("Team", "team", "i-team", Rank.ADMIN, Rank.ADMIN),
    ("Audit log", "audit_log", "i-log", Rank.ADMIN, Rank.ADMIN),
    ("Demo receiver", "demo_receiver", "i-external", Rank.ADMIN, Rank.ADMIN),
)


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Context of the frame, all of it there before a template is drawn."""
    membership: Membership | None = getattr(request, "membership", None)
    user: Any = getattr(request, "user", None)
    others = [one for one in getattr(request, "memberships", []) if one is not membership]
    return {
        "shell": Shell(
            sections=_sections(request, membership) if membership else (),
            work=_work(membership) if membership else None,
            others=tuple(map(_work, others)),
            account=_account(user) if user and user.is_authenticated else None,
            environment="Demo" if settings.DEMO else "",
            searched=_searched(request),
        )
    }


def _account(user: User) -> Account:
    return Account(
        name=str(user),
        email=user.email,
        initials=user.initials,
        is_support=user.is_staff,
        has_shortcuts=user.has_shortcuts,
        theme=user.theme,
        mark=unsent.mark(user),
    )


def _work(membership: Membership) -> Work:
    partner = membership.partner
    return Work(partner.pk, partner.key, partner.name, membership.role.name)


def _searched(request: HttpRequest) -> str:
    """What was looked for, while its answer is on the page."""
    return request.GET.get("q", "") if request.path == address("verification_list") else ""


def standings(
    request: HttpRequest, known: Mapping[Standing, int] | None = None
) -> Mapping[Standing, int]:
    """How many verifications stand where: once a request, for the page and its frame, from
    whichever of them comes to know it first.
    """
    kept: Any = request
    if not hasattr(kept, "standings"):
        kept.standings = counters.standing(kept.membership.partner) if known is None else known
    return kept.standings  # type: ignore[no-any-return]


def _sections(request: HttpRequest, membership: Membership) -> tuple[Section, ...]:
    path, needs = request.path, standings(request).get(NEEDS_DECISION, 0)
    own = [
        _link(path, label, url, icon)
        for label, name, icon, least, most in OWN
        if (url := url_for(membership, name, least, most))
    ]
    dashboard = _link(path, "Dashboard", address("home"), "i-home")
    verifications = _link(path, "Verifications", address("verification_list"), "i-person-card")
    verifications = verifications._replace(counter=needs, counter_label="need a decision")
    disposed = _link(path, "Disposed verifications", address("disposed_list"), "i-archive")
    sections = (Section("", (dashboard,)), Section("ID Verifications", (verifications, disposed)))
    return (*sections, Section(membership.partner.name, tuple(own))) if own else sections


def _link(path: str, label: str, url: str, icon: str) -> Link:
    is_current = path == url or (url != "/" and path.startswith(url))
    return Link(label, url, icon, is_current)


def url_for(membership: Membership, name: str, least: int, most: int = Rank.ADMIN) -> str:
    """Empty: not for this member, or not part of this installation."""
    if not least <= membership.role.rank <= most:
        return ""
    if name == "demo_receiver" and not (settings.DEMO and membership.partner.key == "northbank"):
        return ""
    return address(name)


@cache
def address(name: str) -> str:
    return reverse(name)
