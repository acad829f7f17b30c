"""The views of the list that somebody saves: each has their own."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, middleware, twice
from verifications import listing, saved_views
from verifications.forms import FilterForm
from verifications.models import SavedView
from verifications.models.saved_view import MOST
from verifications.saved_view_forms import NameForm, ReplaceForm

NOTHING = "Set a filter first. What is typed in the search box is not saved."
NOT_UNDERSTOOD = "That question is not understood any more, so it cannot be saved."
TOO_MANY = f"{MOST} saved views are the limit. Delete one first, or save in place of one."
DELETED = "That view was deleted."


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: access.MemberRequest) -> HttpResponse:
    """The question to be saved stands in the address, as that of the list does."""
    asked = _asked(request)
    if request.method != "POST":
        if objection := _objection(asked):
            messages.info(request, objection)
            return redirect(_address(request.GET.urlencode()))
        return _page(request, asked, NameForm())
    form = NameForm(request.POST)
    if objection := _objection(asked):
        form.add_error(None, objection)
    if form.is_valid():
        try:
            view = saved_views.save(request.membership, form.cleaned_data["name"], asked.lasting())
        except saved_views.NameTaken as taken:
            form.add_error("name", _named_so(taken))
        except saved_views.AskedAlready as taken:
            form.add_error(None, _asks_so(taken))
        except saved_views.TooMany:
            form.add_error(None, TOO_MANY)
        else:
            messages.success(request, f"Saved “{view.name}”.")
            return redirect(_address(view.query))
    return _page(request, asked, form, status=422)


@access.member()
@require_POST
def replace(request: access.MemberRequest) -> HttpResponse:
    """Saves the question in place of what one of mine asked."""
    asked = _asked(request)
    form = ReplaceForm(request.POST, mine=_mine(request))
    if objection := _objection(asked):
        form.add_error(None, objection)
    if form.is_valid():
        try:
            pk = form.cleaned_data["view"]
            view = saved_views.replace(request.membership, pk, asked.lasting())
        except saved_views.AskedAlready as taken:
            form.add_error(None, _asks_so(taken))
        except saved_views.Gone:
            form.add_error("view", DELETED)
        else:
            messages.success(request, f"Saved “{view.name}”.")
            return redirect(_address(view.query))
    return _page(request, asked, NameForm(), form, status=422)


@access.member()
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: access.MemberRequest, pk: int) -> HttpResponse:
    view = _find(request, pk)
    form = NameForm(stands=view.name)
    status = 200
    if request.method == "POST":
        form, status = NameForm(request.POST, stands=view.name), 422
    if form.is_valid():
        try:
            view = saved_views.rename(request.membership, pk, form.cleaned_data["name"])
        except saved_views.NameTaken as taken:
            form.add_error("name", _named_so(taken))
        except saved_views.Gone:
            raise Http404 from None
        else:
            messages.success(request, f"Saved “{view.name}”.")
            return redirect(_address(view.query))
    context = {"view": view, "form": form}
    return render(request, "verifications/saved_view.html", context, status=status)


@access.member()
@require_POST
def delete(request: access.MemberRequest, pk: int) -> HttpResponse:
    if twice.remembered(request) != pk:
        view = _find(request, pk)
        saved_views.delete(request.membership, pk)
        twice.remember(request, pk)
        messages.success(request, f"Deleted “{view.name}”.")
    return redirect("verification_list")


def _find(request: access.MemberRequest, pk: int) -> SavedView:
    """Mine at any partner; the top bar switches to the one that fits."""
    view = saved_views.find(request.memberships, pk)
    if view is None:
        raise Http404
    for membership in request.memberships:
        if membership.pk == view.membership_id:
            middleware.switch(request, membership)
    return view


def _asked(request: access.MemberRequest) -> FilterForm:
    return listing.whole_form(request.membership, request.GET, timezone.now().date())


def _objection(asked: FilterForm) -> str:
    if not asked.is_valid():
        return NOT_UNDERSTOOD
    return "" if asked.lasting() else NOTHING


def _mine(request: access.MemberRequest) -> list[tuple[int, str]]:
    return [(it.pk, it.name) for it in listing.saved(request.membership)]


def _page(
    request: access.MemberRequest,
    asked: FilterForm,
    form: NameForm,
    instead: ReplaceForm | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "instead": instead or ReplaceForm(mine=_mine(request)),
        "query": asked.lasting(),
        "words": listing.lasting_words(asked),
    }
    return render(request, "verifications/save_view.html", context, status=status)


def _address(query: str) -> str:
    return f"{reverse('verification_list')}?{query}"


def _named_so(taken: saved_views.Taken) -> str:
    return f"“{taken.view.name}” exists already. Choose another name."


def _asks_so(taken: saved_views.Taken) -> str:
    return f"“{taken.view.name}” asks exactly this already."
