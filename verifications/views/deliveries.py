"""What was sent to a partner, and sending it again, for its Moderators and Admins."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import access
from accounts.models import Rank
from verifications.deliveries import detail, listing
from verifications.models import WebhookDelivery
from verifications.views import webhooks
from verifications.webhooks import again, payloads

TRIED_MEANWHILE = "It was tried meanwhile: here is what came of it. Nothing else was sent."


@access.member(Rank.MODERATOR)
@require_safe
def index(request: access.MemberRequest) -> HttpResponse:
    page = listing.build(request.membership, request.GET, timezone.now())
    status = 400 if page.refusals else 200
    context = {"page": page, "keeps_endpoints": request.membership.role.rank >= Rank.ADMIN}
    return render(request, "verifications/webhooks_deliveries.html", context, status=status)


@access.member(Rank.MODERATOR)
@require_safe
def show(request: access.MemberRequest, key: UUID) -> HttpResponse:
    return _page(request, _find(request, key))


@access.member(Rank.MODERATOR)
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: access.MemberRequest, key: UUID) -> HttpResponse:
    """Document number, personal code and address, for this one look."""
    found = _find(request, key)
    if request.method != "POST":
        return redirect("delivery_detail", key)
    return _page(request, found, is_revealed=True)


@access.member(Rank.MODERATOR)
@require_POST
def resend(request: access.MemberRequest, key: UUID) -> HttpResponse:
    """Asked for twice, it is sent once: the form carries how often it had been tried."""
    found = _find(request, key)
    if request.POST.get("seen_tries") != str(found.attempts):
        messages.info(request, TRIED_MEANWHILE)
        return redirect("delivery_detail", key)
    try:
        again.resend(found, request.user)
    except again.NotSent as sentence:
        return _page(request, _find(request, key), refusal=str(sentence), status=409)
    messages.success(request, "Queued again, as it was: it goes out at once.")
    return redirect("delivery_detail", key)


@access.member(Rank.MODERATOR)
@require_POST
def send_present(request: access.MemberRequest, key: UUID) -> HttpResponse:
    found = _find(request, key)
    if found.verification is None:
        raise Http404
    try:
        made = again.send_present_state(found.verification, found.endpoint, request.user)
    except again.NotSent as sentence:
        return _page(request, found, refusal=str(sentence), status=409)
    except payloads.Unsendable as problem:
        return _page(request, found, refusal=f"Nothing can be told: {problem}.", status=409)
    messages.success(request, "The present state is queued: it goes out at once.")
    return redirect("delivery_detail", made.pk)


def _find(request: access.MemberRequest, key: UUID) -> WebhookDelivery:
    found = detail.find(webhooks.mine_from(request, Rank.MODERATOR), key)
    if found is None:
        raise Http404
    webhooks.work_for(request, found.partner_id, Rank.MODERATOR)
    return found


def _page(
    request: access.MemberRequest,
    found: WebhookDelivery,
    *,
    is_revealed: bool = False,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    """The look is written down before anything is shown."""
    page = detail.build(found, timezone.now(), is_revealed=is_revealed)
    detail.record_look(request.user, page)
    context = {
        "page": page,
        "it": found,
        "objection": again.objection(found),
        "refusal": refusal,
        "keeps_endpoints": request.membership.role.rank >= Rank.ADMIN,
    }
    return render(request, "verifications/webhooks_delivery.html", context, status=status)
