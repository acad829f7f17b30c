"""The home page and the frame around every page, built before the templates."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from accounts import budgets
from accounts.models import Membership, Rank
from verifications import counters, figures
from verifications.models import (
    Tag,
    Verification,
    VerificationQuerySet,
    WebhookDelivery,
)
from verifications.statuses import NEEDS_DECISION

QUEUE_SIZE = 10
COUNTED_TO = 100
LATE = timedelta(hours=2)
NOTICED = timedelta(days=1)


@dataclass(frozen=True)
class Waiting:
    verification: Verification
    tags: list[Tag]
    since: timedelta

    @property
    def is_late(self) -> bool:
        return self.since >= LATE


@dataclass(frozen=True)
class Home:
    now: datetime
    queue: list[Waiting]
    queue_count: int
    may_decide: bool
    troubled: str
    deliveries_url: str
    stopped: list[budgets.Notice]
    figures: figures.Figures | None
    # None: all time.
    range_days: int | None


def build(membership: Membership, days: int | None, now: datetime) -> Home:
    """Figures are for Moderators and above; the queue is for all."""
    visible = Verification.objects.visible_to(membership)
    is_admin = membership.role.rank >= Rank.ADMIN
    sees_figures = membership.role.rank >= Rank.MODERATOR
    troubled = WebhookDelivery.objects.in_trouble(now).filter(partner=membership.partner)
    return Home(
        now=now,
        queue=_queue(visible, now),
        queue_count=counters.standing(membership.partner).get(NEEDS_DECISION, 0),
        may_decide=is_admin,
        troubled=_capped(troubled),
        deliveries_url=_url_for(membership, "delivery_list", Rank.MODERATOR),
        stopped=budgets.notices(membership.partner, now - NOTICED) if is_admin else [],
        figures=figures.build(membership.partner, days, now.date()) if sees_figures else None,
        range_days=days,
    )


def _queue(visible: VerificationQuerySet, now: datetime) -> list[Waiting]:
    """Who waits longest comes first; the wait begins when the applicant was done."""
    oldest = visible.needs_decision().order_by("started_at", "pk")[:QUEUE_SIZE]
    waiting = [
        Waiting(
            row,
            [tag for tag in row.tags.all() if tag.removed_at is None],
            now - (row.finished_at or row.started_at),
        )
        for row in oldest.prefetch_related("tags")
    ]
    return sorted(waiting, key=lambda one: one.since, reverse=True)


def _capped(rows: Any) -> str:
    """How many, up to "99+"; empty: none."""
    count = rows.order_by()[:COUNTED_TO].count()
    if count >= COUNTED_TO:
        return f"{COUNTED_TO - 1}+"
    return str(count or "")


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of the frame; costs nothing until a template asks for it."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def _shell(request: HttpRequest) -> dict[str, Any]:
    membership: Membership | None = getattr(request, "membership", None)
    others = [one for one in getattr(request, "memberships", []) if one != membership]
    user = getattr(request, "user", None)
    return {
        "sections": _sections(request, membership) if membership else [],
        "partner": membership.partner if membership else None,
        "role": membership.role.name if membership else "",
        "others": others,
        "environment_label": "Demo" if settings.DEMO else "",
        "search": membership is not None,
        "searched": _searched(request),
        "shortcuts": bool(user and user.is_authenticated and user.has_shortcuts),
    }


def _searched(request: HttpRequest) -> str:
    """What was looked for, while its answer is on the page."""
    return request.GET.get("q", "") if request.path == reverse("verification_list") else ""


def _sections(request: HttpRequest, membership: Membership) -> list[tuple[str, list[dict]]]:
    needs = counters.standing(membership.partner).get(NEEDS_DECISION, 0)
    verifications = _link(request, "Verifications", reverse("verification_list"), "i-person-card")
    verifications |= {"counter": needs, "counter_label": "need a decision"}
    sections = [
        ("", [_link(request, "Dashboard", reverse("home"), "i-home")]),
        ("ID Verifications", [verifications]),
    ]
    own = [
        _link(request, label, url, icon)
        for label, name, icon, least, most in OWN
        if (url := _url_for(membership, name, least, most))
    ]
    return [*sections, (membership.partner.name, own)] if own else sections


# Label, address, icon, and for whom: from this rank up to that one.
OWN = (
    ("Webhooks", "webhooks", "i-send", Rank.ADMIN, Rank.ADMIN),
    ("Webhooks", "delivery_list", "i-send", Rank.MODERATOR, Rank.ADMIN - 1),
    ("Team", "team", "i-team", Rank.ADMIN, Rank.ADMIN),
    ("Audit log", "audit_log", "i-log", Rank.ADMIN, Rank.ADMIN),
    ("Demo receiver", "demo_receiver", "i-external", Rank.ADMIN, Rank.ADMIN),
)


def _url_for(membership: Membership, name: str, least: int, most: int = Rank.ADMIN) -> str:
    """Empty: not for this member, or not part of this installation."""
    if not least <= membership.role.rank <= most:
        return ""
    if name == "demo_receiver" and not (settings.DEMO and membership.partner.key == "northbank"):
        return ""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _link(request: HttpRequest, label: str, url: str, icon: str) -> dict[str, Any]:
    is_current = request.path == url or (url != "/" and request.path.startswith(url))
    return {"label": label, "url": url, "icon": icon, "current": is_current}
