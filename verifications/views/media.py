"""Photos: our stored copy, marked with who looks, to those who may see the verification."""

from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import access
from verifications import evidence, pair, watermark
from verifications.callbacks import pictures
from verifications.models import PhotoState
from verifications.views import find


@access.member()
@require_safe
def pair_of_photos(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """Side by side; the look is written down before anything is shown."""
    verification = find.visible(request, scan_ref)
    try:
        turns = evidence.read_turns(request.GET.getlist("turn"))
        built = pair.build(verification, request.GET.getlist("show"), turns)
    except (evidence.BadTurn, evidence.NoSuchPicture):
        raise BadRequest from None
    evidence.record_look(request.user, verification, built.stored_kinds)
    return render(request, "verifications/photos.html", {"page": built, "it": verification})


@access.member()
@require_safe
def photo(request: access.MemberRequest, scan_ref: str, kind: str) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    photo = verification.photos.filter(kind=kind, state=PhotoState.STORED).first()
    if photo is None or photo.content_type != pictures.CONTENT_TYPE:
        raise Http404
    picture = evidence.picture(photo)
    if picture is None:
        raise Http404
    look = evidence.record_fetch(request.user, photo, verification)
    try:
        marked = watermark.marked(picture, evidence.mark(request.user, look))
    except watermark.NoPicture:
        raise Http404 from None
    response = HttpResponse(marked, content_type=pictures.CONTENT_TYPE)
    response.headers["Content-Disposition"] = 'inline; filename="photo.jpg"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
