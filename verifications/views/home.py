from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import access
from verifications import home


@access.member()
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    days = {str(days): days for days in home.RANGES}.get(request.GET.get("days", "30"))
    if days is None:
        return HttpResponseBadRequest("days: one of 7, 30, 90.")
    page = home.build(request.membership, days, timezone.now())
    context = {"page": page, "ranges": home.RANGES, "series": home.SERIES, "now": timezone.now()}
    return render(request, "verifications/home.html", context)
