"""Signing in, the switches in the top bar, and the profile."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.views import LoginView
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, middleware, profiles
from accounts.forms import WAIT, SignInForm
from accounts.models import Theme
from accounts.team_forms import ProfileForm

WAIT_SECONDS = 300


class SignInView(LoginView):
    form_class = SignInForm
    template_name = "account/login.html"
    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 429:
            response = self._ask_to_wait()
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """One kind of answer, a page: allauth would give JSON to whoever asks for it."""
        form = self.get_form()
        return self.form_valid(form) if form.is_valid() else self.form_invalid(form)

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        if form.is_throttled:
            return self._ask_to_wait(form)
        return super().form_invalid(form)

    def _ask_to_wait(self, form: SignInForm | None = None) -> HttpResponse:
        """The same page; also for the limit of requests, which allauth answers by itself."""
        context = self.get_context_data(form=form or SignInForm(), objection=WAIT)
        headers = {"Retry-After": str(WAIT_SECONDS)}
        return self.render_to_response(context, status=429, headers=headers)


sign_in = access.public(SignInView.as_view())


@require_POST
@access.signed_in
def switch_partner(request: access.MemberRequest) -> HttpResponse:
    for membership in request.memberships:
        if membership.partner.key == request.POST.get("partner"):
            middleware.switch(request, membership)
            return _back(request)
    raise Http404


@require_POST
@access.signed_in
def set_theme(request: access.MemberRequest) -> HttpResponse:
    theme = request.POST.get("theme")
    if theme not in Theme.values:
        return HttpResponse("There is no such theme.", status=422, content_type="text/plain")
    request.user.theme = theme
    request.user.save(update_fields=["theme"])
    return _back(request)


@require_POST
@access.signed_in
def set_shortcuts(request: access.MemberRequest) -> HttpResponse:
    request.user.has_shortcuts = request.POST.get("shortcuts") == "on"
    request.user.save(update_fields=["has_shortcuts"])
    return _back(request)


@access.signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: access.MemberRequest) -> HttpResponse:
    """What people choose about themselves; the rest is one link away."""
    user = request.user
    fields = {name: getattr(user, name) for name in ProfileForm.base_fields}
    if request.method != "POST":
        return render(request, "accounts/profile.html", {"form": ProfileForm(initial=fields)})
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/profile.html", {"form": form}, status=422)
    profiles.change(user, form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect("profile")


def _back(request: HttpRequest) -> HttpResponse:
    url = request.POST.get("next", "")
    # A word alone is looked up as the name of a view, and most words are none.
    is_address = url.startswith("/") and get_adapter().is_safe_url(url)
    return redirect(url if is_address else "home")
