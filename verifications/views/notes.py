from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import access
from accounts.models import Rank
from verifications import notes
from verifications.decision_forms import NoteForm
from verifications.views import detail, find


@access.member(Rank.MEMBER)
@require_POST
def write(request: HttpRequest, scan_ref: str) -> HttpResponse:
    verification = find.visible(request, scan_ref)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return detail.page(request, verification, note_form=form, status=422)
    notes.write(
        request.membership,
        verification,
        text=form.cleaned_data["note"],
        request_key=form.cleaned_data["request_key"],
    )
    return redirect(reverse("verification_detail", args=[scan_ref]) + "#notes")
