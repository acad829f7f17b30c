"""The audit log for a partner's Admins: to read, and as a file."""

from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from accounts import access, budgets
from accounts.models import Rank
from verifications import audit_log, spreadsheet
from verifications.address import Asked
from verifications.audit_forms import AuditFilterForm


@access.member(Rank.ADMIN)
@require_safe
def entries(request: access.MemberRequest) -> HttpResponseBase:
    page = audit_log.build(request.membership, _form(request))
    asked = Asked(request.GET)
    context = {
        "page": page,
        "form": page.form,
        "query": asked.link(),
        "understood": asked.link(*page.form.strange),
    }
    status = 400 if page.form.errors else 200
    return render(request, "verifications/audit.html", context, status=status)


@access.member(Rank.ADMIN)
@access.proven
@require_GET
def export(request: access.MemberRequest) -> HttpResponseBase:
    form = _form(request)
    if not form.is_valid():
        return entries(request)
    budgets.spend_export(
        budgets.LOG_EXPORTS,
        actor=request.user,
        partner=request.membership.partner,
        filters=form.told(),
    )
    rows = audit_log.export(request.membership, form)
    return spreadsheet.download("audit-log.csv", audit_log.COLUMNS, rows)


def _form(request: access.MemberRequest) -> AuditFilterForm:
    return audit_log.question(request.membership, request.GET)
