from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import access
from verifications import notes, policy, vault
from verifications.decision_forms import NoteForm
from verifications.views import detail, find

SHUT = "The data of this verification cannot be opened, so no note can be kept with it."
SENT_BEFORE = "This form was sent before with another text. Send it again to add a second note."


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: access.MemberRequest, scan_ref: str) -> HttpResponse:
    """The role that counts is the one at the partner of this verification."""
    verification = find.visible(request, scan_ref)
    if request.method != "POST":
        return redirect("verification_detail", scan_ref)
    if not policy.may_note(request.membership):
        raise PermissionDenied("Your role reads notes; Members and above write them.")
    form = NoteForm(request.POST)
    if not form.is_valid():
        return detail.page(request, verification, note_form=form, status=422)
    try:
        notes.write(
            request.membership,
            verification,
            text=form.cleaned_data["note"],
            request_key=form.cleaned_data["request_key"],
        )
    except vault.DoesNotOpen:
        form.add_error("note", SHUT)
        return detail.page(request, verification, note_form=form, status=409)
    except notes.OtherText:
        form.add_error("note", SENT_BEFORE)
        return detail.page(request, verification, note_form=form, status=409)
    return redirect(reverse("verification_detail", args=[scan_ref]) + "#notes")
