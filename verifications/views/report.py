"""The report of one verification: a file for an auditor, a regulator, a lawyer."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.views.decorators.http import require_GET

from accounts import access
from verifications import detail, evidence, policy, watermark
from verifications.report import contents, press
from verifications.views import find


@access.member()
@require_GET
def take(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """Logged before anything goes out. The role that counts is the one at its partner."""
    verification = find.visible(request, scan_ref, with_body=True)
    if not policy.may_take_report(request.membership):
        raise PermissionDenied("Your role reads verifications; Members and above take reports.")
    page = detail.build(request.membership, verification)
    entry = evidence.record_report(request.user, verification)
    mark = watermark.code_of(entry.pk)
    taking = contents.Taking(request.user, request.membership.role.name, entry.at, mark)
    said = contents.of(page, taking)
    written = press.printed(said, country=verification.document_country, at=entry.at)
    response = HttpResponse(written, content_type="application/pdf")
    name = f"verification-{verification.scan_ref}.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Robots-Tag"] = "noindex"
    return response
