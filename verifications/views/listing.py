from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import access
from accounts.models import Rank
from verifications import frame, listing


@access.member()
@require_safe
def verifications(request: access.MemberRequest) -> HttpResponse:
    standings, today = frame.standings(request), timezone.now().date()
    page = listing.build(request.membership, standings, request.GET, today)
    status = 400 if page.is_refused else 200
    export = frame.url_for(request.membership, "verification_export", Rank.MODERATOR)
    context = {"page": page, "export": export}
    return render(request, "verifications/list.html", context, status=status)


@access.member()
@require_safe
def filters(request: access.MemberRequest) -> HttpResponse:
    """What can be asked of the list. With JavaScript it opens over the list."""
    form = listing.whole_form(request.membership, request.GET, timezone.now().date())
    status = 200 if form.is_valid() else 400
    return render(request, "verifications/filter.html", {"form": form}, status=status)
