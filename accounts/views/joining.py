"""What the link of an invitation opens: somebody new, or somebody who signs in already."""

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access, invitations
from accounts.middleware import SESSION_KEY
from accounts.models import Invitation
from accounts.team_forms import JoinForm


@access.public
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Used, revoked, too old or wrong: one and the same page."""
    if not invitations.SHAPE.fullmatch(token):
        raise Http404
    try:
        found = invitations.find(token)
        if request.user.is_authenticated:
            return _accept(request, token, found)
        if invitations.is_known(found):
            return _page(request, found, "sign in")
        return _join(request, token, found)
    except invitations.Over:
        return render(request, "accounts/invitation_over.html", status=404)


def _accept(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    if not invitations.may_accept(found, request.user):  # type: ignore[arg-type]
        return _page(request, found, "somebody else", status=403)
    if request.method != "POST":
        return _page(request, found, "accept")
    invitations.accept(token, user=request.user)  # type: ignore[arg-type]
    request.session[SESSION_KEY] = found.partner_id
    messages.success(request, f"You work for {found.partner} now, as {found.role}.")
    return redirect("home")


def _join(request: HttpRequest, token: str, found: Invitation) -> HttpResponse:
    """Signs the new user in; where the role needs a second factor, they are led there next."""
    form = JoinForm(request.POST if request.method == "POST" else None, invitation=found)
    if not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return _page(request, found, "join", form, status)
    name, password = form.cleaned_data["name"], form.cleaned_data["password"]
    try:
        user = invitations.accept_as_new(token, name=name, password=password)
    except invitations.NotForYou:
        return _page(request, found, "sign in")
    user.backend = "allauth.account.auth_backends.AuthenticationBackend"  # type: ignore[attr-defined]
    return perform_password_login(request, {"email": user.email}, Login(user=user))


def _page(
    request: HttpRequest,
    found: Invitation,
    step: str,
    form: JoinForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {"invitation": found, "step": step, "form": form}
    return render(request, "accounts/invitation.html", context, status=status)
