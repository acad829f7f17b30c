"""The page of one verification."""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from idv_dashboard import errors
from verifications import detail
from verifications.decision_forms import new_request_key
from verifications.models import Verification
from verifications.views import find

TURN = re.compile(r"([A-Za-z0-9_]{1,64}):(0|90|180|270)")


@access.member()
@require_safe
def show(request: HttpRequest, scan_ref: str) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    turns = [TURN.fullmatch(text) for text in request.GET.getlist("turn")]
    if not all(turns):
        return errors.page(request, 400)
    pairs = {match[1]: int(match[2]) for match in turns if match}
    return page(request, verification, turns=pairs)


@access.member()
@require_POST
def reveal(request: HttpRequest, scan_ref: str) -> HttpResponse:
    """Document number, personal code and address, for this one look."""
    return page(request, find.visible(request, scan_ref), is_revealed=True)


def page(
    request: HttpRequest,
    verification: Verification,
    *,
    is_revealed: bool = False,
    turns: dict[str, int] | None = None,
    note_form: object = None,
    status: int = 200,
) -> HttpResponse:
    """The look is written down before anything is shown."""
    detail.record_view(request.user, verification, is_revealed=is_revealed)
    built = detail.build(request.membership, verification, is_revealed=is_revealed, turns=turns)
    context = {
        "page": built,
        "it": verification,
        "request_key": new_request_key(),
        "note_form": note_form,
        "support_contact": settings.SUPPORT_CONTACT,
    }
    return render(request, "verifications/detail.html", context, status=status)
