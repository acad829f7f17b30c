"""Disposing of a verification's data, holds, and the list of what was disposed of."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import access, recent
from verifications import confirm, disposal, disposed, holds, lifecycle, policy
from verifications.address import Asked
from verifications.decision_forms import new_request_key
from verifications.disposal_forms import DisposeForm, HoldForm, ReleaseForm
from verifications.models import HoldReason, ReleaseReason, Verification
from verifications.statuses import Action
from verifications.views import decide, detail, find


@access.member()
@require_safe
def index(request: access.MemberRequest) -> HttpResponse:
    page = disposed.build(request.membership, request.GET)
    asked = Asked(request.GET)
    context = {
        "page": page,
        "form": page.form,
        "query": asked.link(),
        "understood": asked.link(*page.form.strange),
    }
    status = 400 if page.form.errors else 200
    return render(request, "verifications/disposed.html", context, status=status)


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def dispose(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """Asks who it is before it begins. The same request once more finds that it is done."""
    form = DisposeForm(request.POST if request.method == "POST" else None)
    if _is_done(request, scan_ref, form):
        return redirect("disposed_list")
    verification = find.visible(request, scan_ref)
    objection = policy.standing_objection if request.method == "POST" else policy.objection
    if check := objection(request.membership, Action.DISPOSE, verification):
        return decide.refused(request, verification, Action.DISPOSE, check)
    if asked := recent.answer(request):
        return asked
    if not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return _page(request, verification, form, status=status)
    try:
        disposal.dispose(
            request.membership,
            verification,
            seen_revision=form.cleaned_data["seen_revision"],
            request_key=form.cleaned_data["request_key"],
        )
    except lifecycle.Refused as refusal:
        verification = find.visible(request, scan_ref)
        return decide.refused(request, verification, Action.DISPOSE, refusal.check)
    except lifecycle.Stale:
        return _page(request, find.visible(request, scan_ref), form, is_stale=True, status=409)
    except lifecycle.Gone:
        if not _is_done(request, scan_ref, form):
            raise
    else:
        messages.success(request, "Disposed of: its data is erased.")
    return redirect("disposed_list")


def _is_done(request: access.MemberRequest, scan_ref: str, form: DisposeForm) -> bool:
    key = form.cleaned_data.get("request_key") if form.is_bound and not form.errors else None
    return key is not None and disposal.was_made_by(request.user, scan_ref, key)


def _page(
    request: access.MemberRequest,
    verification: Verification,
    form: DisposeForm,
    *,
    is_stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    """A form that comes back keeps its key and what it had seen; a stale one looks afresh."""
    keeps = form.is_bound and not is_stale
    seen, key = form["seen_revision"], form["request_key"]
    context = {
        "it": verification,
        "form": form,
        "loss": disposed.loss(verification),
        "latest": confirm.latest_change(verification, request.membership) if is_stale else None,
        "is_stale": is_stale,
        "seen_revision": seen.value() if keeps and not seen.errors else verification.revision,
        "request_key": key.value() if keeps and not key.errors else new_request_key(),
    }
    return render(request, "verifications/dispose.html", context, status=status)


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    if request.method != "POST":
        return redirect("verification_detail", scan_ref)
    if check := policy.objection(request.membership, Action.HOLD, verification):
        return decide.refused(request, verification, Action.HOLD, check)
    form = HoldForm(request.POST)
    if not form.is_valid():
        return detail.page(request, verification, hold_form=form, status=422)
    reason, reference = HoldReason(form.cleaned_data["reason"]), form.cleaned_data["reference"]
    return _held(
        request,
        scan_ref,
        "On hold: nothing disposes of it."
        if holds.place(request.membership, verification, reason, reference)
        else "It is on hold already. Nothing was changed.",
    )


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def release(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    if request.method != "POST":
        return redirect("verification_detail", scan_ref)
    if check := policy.objection(request.membership, Action.HOLD, verification):
        return decide.refused(request, verification, Action.HOLD, check)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        return detail.page(request, verification, hold_form=form, status=422)
    return _held(
        request,
        scan_ref,
        "Hold released."
        if holds.release(
            request.membership, verification, ReleaseReason(form.cleaned_data["reason"])
        )
        else "It was not on hold. Nothing was changed.",
    )


def _held(request: access.MemberRequest, scan_ref: str, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect(reverse("verification_detail", args=[scan_ref]) + "#keeping")
