"""Removing a mismatch tag: a page that names it, and what it posts."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access
from verifications import lifecycle, policy, tags
from verifications.decision_forms import RemoveTagForm
from verifications.models import Tag, TagKind, Verification
from verifications.statuses import Action
from verifications.views import decide, find
from verifications.webhooks import payloads


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: access.MemberRequest, scan_ref: str, tag_id: int) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    tag = verification.tags.filter(pk=tag_id, kind=TagKind.MISMATCH).first()
    if tag is None:
        raise Http404
    objection = policy.standing_objection if request.method == "POST" else policy.objection
    if check := objection(request.membership, Action.REMOVE_TAG, verification):
        return decide.refused(request, verification, Action.REMOVE_TAG, check)
    if tag.removed_at and request.method != "POST":
        messages.info(request, "That tag was removed before.")
        return redirect("verification_detail", scan_ref)
    form = RemoveTagForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            seen = form.cleaned_data["seen_revision"]
            tags.remove(request.membership, verification, tag.pk, seen_revision=seen)
        except lifecycle.Refused as refusal:
            return decide.refused(request, verification, Action.REMOVE_TAG, refusal.check)
        except payloads.Unsendable:
            return decide.unsendable(request, verification)
        except lifecycle.Stale:
            return _page(request, verification, tag, form, is_stale=True, status=409)
        messages.success(request, "Tag removed.")
        return redirect("verification_detail", scan_ref)
    status = 422 if request.method == "POST" else 200
    return _page(request, verification, tag, form, status=status)


def _page(
    request: access.MemberRequest,
    verification: Verification,
    tag: Tag,
    form: RemoveTagForm,
    *,
    is_stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    verification.refresh_from_db()
    others = verification.tags.standing().exclude(pk=tag.pk).exists()
    context = {
        "it": verification,
        "tag": tag,
        "form": form,
        "is_stale": is_stale,
        "settles": verification.suspected and not others,
    }
    return render(request, "verifications/remove_tag.html", context, status=status)
