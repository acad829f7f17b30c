"""Who may reach a view. Each of ours carries one of these marks, or the program does not start.

What a member may then do to one verification is not said here but in `verifications.policy`.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.checks import Error
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import recent
from accounts.models import Membership, Rank, User

View = Callable[..., HttpResponseBase]


class MemberRequest(HttpRequest):
    """What a view behind `member()` gets: somebody who works for a partner."""

    user: User  # type: ignore[assignment]
    membership: Membership
    memberships: list[Membership]


# Views of libraries, by where they come from, and who looks after their doors.
THIRD_PARTY = ("allauth.", "django.contrib.admin.", "django.contrib.contenttypes.", "django.views.")


# How the reach of views behind `member()` begins.
MEMBERS = "member from "


def public(view: View) -> View:
    """Anyone, signed in or not."""
    view = login_not_required(view)
    view.reach = "public"  # type: ignore[attr-defined]
    return view


def signed(view: View) -> View:
    """A program that signs what it sends; the view looks at the signature itself."""
    view = login_not_required(view)
    view.reach = "signed"  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Any user, of whatever partner or of none."""
    view.reach = "signed in"  # type: ignore[attr-defined]
    return view


def member(rank: Rank = Rank.VIEWER) -> Callable[[View], View]:
    """Users who work for a partner, in a role of this rank or above (else 403)."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.membership is None:
                if request.user.is_staff:
                    return redirect("admin:index")
                raise PermissionDenied("You do not belong to a partner. Ask your Admin to add you.")
            if request.membership.role.rank < rank:
                above = " or above" if rank < max(Rank) else ""
                raise PermissionDenied(
                    f"This needs the role {rank.label}{above}; yours is {request.membership.role}."
                )
            return view(request, *args, **kwargs)

        guarded.reach = f"{MEMBERS}{rank.label}"  # type: ignore[attr-defined]
        return guarded

    return mark


def is_for_members(view: View) -> bool:
    return getattr(view, "reach", "").startswith(MEMBERS)


def proven(view: View) -> View:
    """Only within five minutes of proof of who it is; what was typed meanwhile is not lost.

    Stands below the mark that says who may come, so that nobody else is asked for proof.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return recent.answer(request) or view(request, *args, **kwargs)

    return guarded


def views(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, View]]:
    """Every address pattern of the program with its view."""
    for pattern in (resolver or get_resolver()).url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path, pattern.callback


def every_view_declares_its_reach(**_: Any) -> list[Error]:
    return [
        Error(
            f"The view at /{path} does not declare who may reach it.",
            hint="Mark it with a decorator of accounts.access.",
            id="accounts.E001",
        )
        for path, view in views()
        if not hasattr(view, "reach") and not view.__module__.startswith(THIRD_PARTY)
    ]
