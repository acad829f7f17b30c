"""The page of one verification."""

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access
from verifications import detail, evidence
from verifications.decision_forms import new_request_key
from verifications.models import HoldReason, ReleaseReason, Verification
from verifications.views import find


@access.member()
@require_safe
def show(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    verification = find.visible(request, scan_ref, with_body=True)
    try:
        turns = evidence.read_turns(request.GET.getlist("turn"))
        return page(request, verification, turns=turns)
    except evidence.BadTurn:
        raise BadRequest from None


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """Document number, personal code and address, for this one look.

    Whoever comes back to this address without asking gets the page as it always is.
    """
    verification = find.visible(request, scan_ref, with_body=True)
    if request.method != "POST":
        return redirect("verification_detail", scan_ref)
    return page(request, verification, is_revealed=True)


def page(
    request: access.MemberRequest,
    verification: Verification,
    *,
    is_revealed: bool = False,
    turns: evidence.Turns | None = None,
    note_form: object = None,
    hold_form: object = None,
    status: int = 200,
) -> HttpResponse:
    """The look is written down before anything is shown."""
    built = detail.build(request.membership, verification, is_revealed=is_revealed, turns=turns)
    evidence.record_look(request.user, verification, built.stored_kinds, is_revealed=is_revealed)
    context = {
        "page": built,
        "it": verification,
        "request_key": new_request_key(),
        "note_form": note_form,
        "hold_form": hold_form,
        "hold_reasons": HoldReason.choices,
        "release_reasons": ReleaseReason.choices,
        "support_contact": settings.SUPPORT_CONTACT,
    }
    return render(request, "verifications/detail.html", context, status=status)
