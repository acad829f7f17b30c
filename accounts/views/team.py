"""The team page, for a partner's Admins."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access, invitations, memberships, team
from accounts.models import Invitation, Membership, Rank, Role
from accounts.team_forms import ChangeRoleForm, InviteForm

NOT_ADMIN = "You are no longer an Admin here. Nothing was changed."
LAST_ADMIN = "{} is the last active Admin of {}. Make somebody else Admin first."
ENOUGH = f"{invitations.MOST_A_DAY} invitations within 24 hours are the limit: try again later."
REST = "Wait a minute between two e-mails to {}."
TAKEN = "That invitation was accepted or revoked meanwhile."


@access.member(Rank.ADMIN)
@require_safe
def index(request: access.MemberRequest) -> HttpResponse:
    context = {"team": team.build(request.membership.partner), "own": request.membership}
    return render(request, "accounts/team.html", context)


@access.member(Rank.ADMIN)
@access.proven
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: access.MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return _invite_page(request, InviteForm())
    form = InviteForm(request.POST)
    if not form.is_valid():
        return _invite_page(request, form, 422)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    partner = request.membership.partner
    try:
        invitations.invite(partner, email, role, actor=request.user, link=_link(request))
    except invitations.BelongsAlready:
        form.add_error("email", "Belongs to the team already. Open them in the list.")
    except invitations.AskedAlready:
        form.add_error("email", "Is invited already. Send it again from the list.")
    except invitations.TooMany:
        form.add_error(None, f"{invitations.MOST} open invitations are the limit: revoke some.")
    except invitations.TooSoon:
        form.add_error("email", REST.format(email))
    except invitations.TooManyToday:
        form.add_error(None, ENOUGH)
    except memberships.NotAdmin:
        raise PermissionDenied(NOT_ADMIN) from None
    else:
        messages.success(request, f"Invited {email} as {role}.")
        return redirect("team")
    return _invite_page(request, form, 422)


def _invite_page(
    request: access.MemberRequest, form: InviteForm, status: int = 200
) -> HttpResponse:
    context = {"form": form, "roles": list(Role.objects.order_by("rank"))}
    return render(request, "accounts/team_invite.html", context, status=status)


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def send_again(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _invitation(request, pk)
    try:
        invitations.send_again(found, actor=request.user, link=_link(request))
    except invitations.Over:
        messages.info(request, TAKEN)
    except invitations.TooSoon:
        messages.warning(request, REST.format(found.email))
    except invitations.TooManyToday:
        messages.warning(request, ENOUGH)
    except memberships.NotAdmin:
        raise PermissionDenied(NOT_ADMIN) from None
    else:
        messages.success(request, f"Sent again to {found.email}. The former link has ended.")
    return redirect("team")


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def revoke(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _invitation(request, pk)
    try:
        invitations.revoke(found, actor=request.user)
    except invitations.Over:
        messages.info(request, TAKEN)
    except memberships.NotAdmin:
        raise PermissionDenied(NOT_ADMIN) from None
    else:
        messages.success(request, f"Revoked. The link sent to {found.email} has ended.")
    return redirect("team")


@access.member(Rank.ADMIN)
@access.proven
@require_safe
def person(request: access.MemberRequest, pk: int) -> HttpResponse:
    return _person_page(request, _person(request, pk))


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def change_role(request: access.MemberRequest, pk: int) -> HttpResponse:
    found, form = _person(request, pk), ChangeRoleForm(request.POST)
    if not form.is_valid():
        return _person_page(request, found, form.objection, 422)
    role, seen = form.cleaned_data["role"], int(form.cleaned_data["seen_role"])

    def change() -> str:
        team.change_role(found, role, actor=request.user, seen_role=seen)
        return f"{found.user} is {role} from now on."

    return _take(request, found, change)


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def deactivate(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _person(request, pk)

    def change() -> str:
        team.deactivate(found, actor=request.user)
        return f"{found.user} no longer gets in, and is signed out."

    return _take(request, found, change)


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def reactivate(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _person(request, pk)

    def change() -> str:
        team.reactivate(found, actor=request.user)
        return f"{found.user} is back as {found.role}."

    return _take(request, found, change)


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def reset_second_factor(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _person(request, pk)

    def change() -> str:
        team.reset_second_factor(found, actor=request.user)
        return f"{found.user} must set up a second step anew, and is told by e-mail."

    return _take(request, found, change)


@access.member(Rank.ADMIN)
@access.proven
@require_POST
def end_sessions(request: access.MemberRequest, pk: int) -> HttpResponse:
    found = _person(request, pk)

    def change() -> str:
        team.end_sessions(found, actor=request.user)
        return f"{found.user} is signed out everywhere."

    return _take(request, found, change)


def _take(
    request: access.MemberRequest, found: Membership, change: Callable[[], str]
) -> HttpResponse:
    """Makes the change and says so, or says on the person's page why not."""
    try:
        said = change()
    except team.Stale:
        said = "Somebody changed the role meanwhile. Look again, then choose."
        return _person_page(request, _person(request, found.pk), said, 409)
    except team.LastAdmin:
        said = LAST_ADMIN.format(found.user, found.partner)
        return _person_page(request, found, said, 409)
    except team.BelongsElsewhere:
        said = f"Only support can reset the second step of {found.user}."
        return _person_page(request, found, said, 403)
    except team.OfOneself:
        said = "Nobody changes their own membership: ask another Admin."
        return _person_page(request, found, said, 403)
    except memberships.NotAdmin:
        raise PermissionDenied(NOT_ADMIN) from None
    messages.success(request, said)
    return redirect("team")


def _person_page(
    request: access.MemberRequest, found: Membership, objection: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "it": found,
        "roles": list(Role.objects.order_by("rank")),
        "is_own": found.user_id == request.user.pk,
        "belongs_elsewhere": team.belongs_elsewhere(found),
        "objection": objection,
    }
    return render(request, "accounts/team_person.html", context, status=status)


def _person(request: access.MemberRequest, pk: int) -> Membership:
    found = team.find(request.membership.partner, pk)
    if found is None:
        raise Http404
    return found


def _invitation(request: access.MemberRequest, pk: int) -> Invitation:
    found = team.find_invitation(request.membership.partner, pk)
    if found is None:
        raise Http404
    return found


def _link(request: HttpRequest) -> invitations.Link:
    return lambda token: request.build_absolute_uri(reverse("invitation", args=[token]))
