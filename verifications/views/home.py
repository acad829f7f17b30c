from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import access
from verifications import figures, home

DEFAULT = 30


@access.member()
@require_safe
def dashboard(request: access.MemberRequest) -> HttpResponse:
    asked = [days for days in request.GET.getlist("days") if days] or [str(DEFAULT)]
    days = {str(days): days for days in figures.RANGES}.get(",".join(asked))
    page = home.build(request.membership, days or DEFAULT, timezone.now())
    context = {
        "page": page,
        "ranges": figures.RANGES,
        "series": figures.SERIES,
        "refused": "" if days else ", ".join(asked)[:60],
    }
    return render(request, "verifications/home.html", context, status=200 if days else 400)
