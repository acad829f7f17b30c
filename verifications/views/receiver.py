"""The demo's receiver: what Northbank's own system would see. Nowhere else does it exist."""

from functools import wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts import access
from accounts.models import Rank
from verifications.demo import inbox


def _in_the_demo(view: access.View) -> access.View:
    @wraps(view)
    def guarded(request: access.MemberRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@_in_the_demo
@access.member(Rank.ADMIN)
@require_safe
def messages(request: access.MemberRequest) -> HttpResponse:
    if request.membership.partner.key != inbox.PARTNER:
        raise Http404
    context = {"messages_received": inbox.messages(), "kept": inbox.KEPT}
    return render(request, "verifications/receiver.html", context)


@_in_the_demo
@access.signed
@csrf_exempt
@require_POST
def receive(request: access.MemberRequest) -> JsonResponse:
    raw = request.read(inbox.LARGEST + 1)
    if len(raw) > inbox.LARGEST:
        return JsonResponse({"error": "size"}, status=413)
    message = inbox.keep(request.headers, raw)
    if not message.is_right:
        return JsonResponse({"error": "signature"}, status=401)
    return JsonResponse({"status": "kept"})
