"""Approve, Deny, Undo: the confirm pages and what they post."""

import contextlib
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access, audit, unsent
from accounts.models import Kind
from verifications import confirm, decisions, evidence, lifecycle, looks, policy, reasons, vault
from verifications.decision_forms import DecisionForm, DenyForm, UndoForm, new_request_key
from verifications.models import Decision, RejectionReason, Verification
from verifications.statuses import Action
from verifications.views import find
from verifications.webhooks import payloads

INVISIBLE = policy.membership_is_active.__name__
# The buttons that ask for a page and decide nothing.
PAGES = ("preview", "afresh")
REVEALED = "revealed"
DONE = {Action.APPROVE: "Approved.", Action.DENY: "Denied."}


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
@unsent.drawn
def approve(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    return _decide(request, scan_ref, Action.APPROVE)


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
@unsent.drawn
def deny(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    return _decide(request, scan_ref, Action.DENY)


def _decide(request: access.MemberRequest, scan_ref: str, action: Action) -> HttpResponse:
    """Answers in the settled order: 404, 403 by role, flag or price, 422, repeated, 409, 403."""
    if answer := _straight(request, scan_ref, action):
        return answer
    verification = find.visible(request, scan_ref, with_body=True)
    if check := policy.standing_objection(request.membership, action, verification):
        return refused(request, verification, action, check)
    offered = _offered(request, action)
    if (typed := unsent.of(request)) is not None:
        return _again(request, verification, action, _form(action, offered, typed), offered)
    if request.method != "POST":
        return _page(request, verification, action, _form(action, offered), offered)
    form = _form(action, offered, request.POST)
    if "preview" in request.POST:
        return _page(request, verification, action, form, offered, is_preview=True)
    if "afresh" in request.POST:
        return _page(request, verification, action, _afresh(form), offered)
    if not form.is_valid():
        return _page(request, verification, action, form, offered, status=422)
    return _carry_out(request, scan_ref, action, form, offered)


def _again(
    request: access.MemberRequest,
    verification: Verification,
    action: Action,
    form: DecisionForm,
    offered: list[RejectionReason],
) -> HttpResponse:
    """What was typed before one had to sign in: to be looked at, and pressed once more."""
    if form.data.get("seen_revision") != str(verification.revision):
        return _conflict(request, verification.scan_ref, action, form)
    messages.info(request, "Nothing is decided yet. Your words are as you left them.")
    return _page(request, verification, action, form, offered)


def _straight(request: access.MemberRequest, scan_ref: str, action: Action) -> HttpResponse | None:
    """A form in order goes straight to the decision, which reads all else under its lock.

    None: it asks for a page; or first see what else is wrong, or of which of my partners it is.
    """
    if request.method != "POST" or any(name in request.POST for name in PAGES):
        return None
    offered = _offered(request, action)
    form = _form(action, offered, request.POST)
    if not form.is_valid():
        return None
    with contextlib.suppress(lifecycle.Gone):
        return _carry_out(request, scan_ref, action, form, offered)
    return None


def _offered(request: access.MemberRequest, action: Action) -> list[RejectionReason]:
    return reasons.offered(request.membership.partner_id) if action == Action.DENY else []


def _form(action: Action, offered: list[RejectionReason], data: Any = None) -> DecisionForm:
    if action == Action.DENY:
        return DenyForm(data, offered=offered)
    return DecisionForm(data)


def _afresh(form: DecisionForm) -> DecisionForm:
    """What was typed, on a page that has seen what happened meanwhile."""
    kept = _typed(form).copy()
    for name in ("seen_revision", "request_key", "preview_digest"):
        kept.pop(name, None)
    form.data = kept
    return form


def _typed(form: DecisionForm) -> QueryDict:
    return form.data if isinstance(form.data, QueryDict) else QueryDict()


def _words(typed: QueryDict) -> dict[str, str]:
    return {name: typed.get(name, "") for name in ("message_to_applicant", "internal_note")}


def _carry_out(
    request: access.MemberRequest,
    scan_ref: str,
    action: Action,
    form: DecisionForm,
    offered: list[RejectionReason],
) -> HttpResponse:
    typed = form.cleaned_data
    intent = decisions.Intent(
        action=action,
        seen_revision=typed["seen_revision"],
        request_key=typed["request_key"],
        reasons=confirm.chosen(offered, typed.get("reasons", ())),
        message_to_applicant=typed["message_to_applicant"],
        internal_note=typed["internal_note"],
        preview_digest=typed["preview_digest"],
    )
    try:
        decisions.decide(request.membership, scan_ref, intent)
    except lifecycle.Refused as refusal:
        return refused(request, find.visible(request, scan_ref), action, refusal.check)
    except lifecycle.Stale:
        return _conflict(request, scan_ref, action, form)
    except decisions.PreviewChanged:
        found = find.visible(request, scan_ref)
        return _page(request, found, action, form, offered, status=422, is_preview=True)
    except (payloads.Unsendable, vault.DoesNotOpen):
        return unsendable(request, find.visible(request, scan_ref))
    messages.success(request, DONE[action])
    return redirect("verification_detail", scan_ref)


def _page(
    request: access.MemberRequest,
    verification: Verification,
    action: Action,
    form: DecisionForm,
    offered: list[RejectionReason],
    *,
    status: int = 200,
    is_preview: bool = False,
) -> HttpResponse:
    check = policy.objection(request.membership, action, verification)
    if check and not (form.is_bound and status == 422):
        return refused(request, verification, action, check)
    if check:
        return _conflict(request, verification.scan_ref, action, form)
    data, is_revealed = _typed(form), is_preview and request.POST.get("preview") == REVEALED
    try:
        page = confirm.build(
            request.membership,
            verification,
            action,
            reasons=offered,
            ticked=data.getlist("reasons") if form.is_bound else (),
            message=_message(form),
            is_revealed=is_revealed,
        )
    except (payloads.Unsendable, vault.DoesNotOpen):
        return unsendable(request, verification)
    evidence.record_page(request.user, verification, is_revealed=is_revealed)
    context = {
        "page": page,
        "form": form,
        "show_errors": status == 422,
        "is_preview": is_preview,
        "typed": _words(data),
        "seen_revision": _kept(form, "seen_revision", verification.revision),
        "request_key": _kept(form, "request_key", new_request_key()),
    }
    return render(request, "verifications/decide.html", context, status=status)


def _message(form: DecisionForm) -> str:
    """The message as it would be sent; what cannot be sent is not previewed."""
    if not form.is_bound:
        return ""
    form.is_valid()
    return form.cleaned_data.get("message_to_applicant", "")


def _kept(form: DecisionForm, name: str, fresh: Any) -> Any:
    """A form that comes back keeps what it was drawn with, unless that was damaged."""
    if form.is_bound and form.data.get(name) and name not in form.errors:
        return form.data[name]
    return fresh


def refused(
    request: access.MemberRequest, verification: Verification, action: Action, check: policy.Check
) -> HttpResponse:
    if check.rule == INVISIBLE:
        raise Http404
    if request.method == "POST":
        audit.record(
            Kind.REFUSED,
            actor=request.user,
            partner=verification.partner,
            subject=verification.audit_subject,
            stream=f"u/{request.user.pk}",
            action=action.value,
            rule=check.rule,
        )
    context = {
        "verification": verification,
        "action": action,
        "check": check,
        "checks": policy.explain(request.membership, action, verification),
        "support_code": policy.support_code(check, action, verification),
        "support_contact": settings.SUPPORT_CONTACT,
    }
    return render(request, "verifications/refused.html", context, status=403)


def unsendable(request: access.MemberRequest, verification: Verification) -> HttpResponse:
    """What the provider told does not open any more: the partner could not be told either."""
    context = {"verification": verification}
    return render(request, "verifications/unsendable.html", context, status=409)


def _conflict(
    request: access.MemberRequest, scan_ref: str, action: Action, form: DecisionForm
) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    data = _typed(form)
    context = {
        "verification": verification,
        "action": action,
        "latest": confirm.latest_change(verification, request.membership),
        "objection": policy.objection(request.membership, action, verification),
        "form": form,
        "typed": _words(data),
        "reasons": confirm.chosen(_offered(request, action), data.getlist("reasons")),
    }
    return render(request, "verifications/conflict.html", context, status=409)


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
@unsent.drawn
def undo(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """Whoever comes back here from signing in is shown what there is to press."""
    verification = find.visible(request, scan_ref)
    if request.method != "POST":
        messages.info(request, "Nothing was taken back. While there is time, Undo stands below.")
        return redirect("verification_detail", verification.scan_ref)
    if check := policy.standing_objection(request.membership, Action.UNDO, verification):
        return refused(request, verification, Action.UNDO, check)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _too_late(request, verification, "This form was damaged. Nothing was changed.", 422)
    try:
        decisions.undo(
            request.membership,
            verification,
            decision_id=form.cleaned_data["decision"],
            request_key=form.cleaned_data["request_key"],
        )
    except lifecycle.Refused as refusal:
        return refused(request, verification, Action.UNDO, refusal.check)
    except decisions.TooLate as too_late:
        return _too_late(request, verification, str(too_late), 409)
    except decisions.TakenBack as taken_back:
        messages.info(request, _taken_back(request, taken_back.made))
    else:
        messages.success(request, "Taken back. Nothing was sent.")
    return redirect("verification_detail", verification.scan_ref)


def _taken_back(request: access.MemberRequest, made: Decision) -> str:
    who = "You" if made.actor_id == request.user.pk else made.actor
    at = looks.exact(made.decided_at)
    return f"{who} took this decision back already, {at} UTC. Nothing was sent."


def _too_late(
    request: access.MemberRequest, verification: Verification, sentence: str, status: int
) -> HttpResponse:
    context = {"verification": verification, "sentence": sentence}
    return render(request, "verifications/too_late.html", context, status=status)
