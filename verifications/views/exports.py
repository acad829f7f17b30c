"""The list as a file, for Moderators and above."""

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from accounts import access, budgets
from accounts.models import Rank
from verifications import exports, frame, listing, spreadsheet
from verifications.views.listing import verifications


@access.member(Rank.MODERATOR)
@access.proven
@require_safe
def offer(request: access.MemberRequest) -> HttpResponseBase:
    """Proven here already: after a password that is asked for at the file no page would follow."""
    standings, today = frame.standings(request), timezone.now().date()
    page = exports.offer(request.membership, standings, request.GET, today)
    if page is None:
        return verifications(request)
    return render(request, "verifications/export.html", {"page": page})


@access.member(Rank.MODERATOR)
@access.proven
@require_GET
def file(request: access.MemberRequest) -> HttpResponseBase:
    form, filters = listing.read(request.membership, request.GET, timezone.now().date())
    if filters is None:
        return verifications(request)
    budgets.spend_export(
        budgets.LIST_EXPORTS,
        actor=request.user,
        partner=request.membership.partner,
        filters=form.told() if form else [],
    )
    rows = exports.rows(request.membership, filters)
    return spreadsheet.download("verifications.csv", exports.COLUMNS, rows)
