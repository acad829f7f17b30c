"""Photos: our own stored copy, to those who may see the verification, each time anew."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from accounts import access
from verifications import evidence
from verifications.models import PhotoState
from verifications.views import find

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png"}


@access.member()
@require_safe
def photo(request: access.MemberRequest, scan_ref: str, kind: str) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    photo = verification.photos.filter(kind=kind, state=PhotoState.STORED).first()
    if photo is None or photo.content_type not in SUFFIXES:
        raise Http404
    picture = evidence.picture(photo)
    if picture is None:
        raise Http404
    evidence.record_fetch(request.user, photo, verification)
    response = HttpResponse(picture, content_type=photo.content_type)
    name = f"photo.{SUFFIXES[photo.content_type]}"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
