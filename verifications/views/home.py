from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import access
from verifications import figures, frame, home
from verifications.address import unknown

DEFAULT = "30"
RANGES: dict[str, int | None] = {str(days): days for days in figures.RANGES} | {"all": None}


@access.member()
@require_safe
def dashboard(request: access.MemberRequest) -> HttpResponse:
    asked = [days for days in request.GET.getlist("days") if days] or [DEFAULT]
    strange = unknown(request.GET, ["days"])
    is_kept = ",".join(asked) in RANGES and not strange
    days = RANGES[",".join(asked) if is_kept else DEFAULT]
    page = home.build(request.membership, days, timezone.now())
    frame.standings(request, page.standing)
    context = {
        "page": page,
        "ranges": figures.RANGES,
        "refused": "" if is_kept else ", ".join(strange or asked)[:60],
    }
    return render(request, "verifications/home.html", context, status=200 if is_kept else 400)
