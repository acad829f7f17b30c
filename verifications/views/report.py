"""The report of one verification: a file for an auditor, a regulator, a lawyer."""

import logging

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import access
from verifications import detail, evidence, policy, watermark
from verifications.report import contents, press
from verifications.views import find

RETRY_SECONDS = 5
LATER = {
    "title": "The report could not be made right now",
    "text": "You have not taken it. Try again in a few seconds.",
}
NEVER = {
    "title": "The report of this verification cannot be made",
    "text": "Something in it cannot be printed. Its page shows all of it; support can help.",
}

log = logging.getLogger(__name__)


@access.member()
@require_GET
def take(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """The role that counts is the one at its partner."""
    verification = find.visible(request, scan_ref, with_body=True)
    if not policy.may_take_report(request.membership):
        raise PermissionDenied("Your role reads verifications; Members and above take reports.")
    page = detail.build(request.membership, verification)
    try:
        with press.turn():
            written = _written(request, page)
    except press.Busy:
        return _later(request)
    except press.Interrupted as problem:
        log.warning("report interrupted: %s", problem)
        return _later(request)
    except press.Unprintable:
        log.error("report unprintable: verification %s", verification.pk)
        return render(None, "error.html", {**NEVER, "status": 500}, status=500)  # type: ignore[arg-type]
    response = HttpResponse(written, content_type="application/pdf")
    name = f"verification-{verification.scan_ref}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _written(request: access.MemberRequest, page: detail.Detail) -> bytes:
    """Logged before anything goes out, for its mark is the number of that entry. Where nothing can
    go out, that is logged too.
    """
    it = page.verification
    entry = evidence.record_report(request.user, it)
    mark = watermark.code_of(entry.pk)
    taking = contents.Taking(request.user, request.membership.role.name, entry.at, mark)
    try:
        said = contents.of(page, taking)
        return press.printed(said, country=it.document_country, at=entry.at)
    except (press.Interrupted, press.Unprintable):
        evidence.record_no_report(request.user, it, entry)
        raise


def _later(request: access.MemberRequest) -> HttpResponse:
    context = {"words": LATER, "address": request.get_full_path(), "is_post": False}
    response = render(None, "503.html", context, status=503)  # type: ignore[arg-type]
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
