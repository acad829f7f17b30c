"""Users, as support sees them: rights that wait for a second person, a lost second step."""

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_http_methods

from accounts import access, emails, memberships, rights, sessions, team
from accounts.models import Kind, User
from accounts.seen import SupportForm, plain, reason_field
from accounts.support import SupportAdmin

RIGHTS = ("is_staff", "is_superuser", "groups")
NOT_YOURS = (
    "Only another superuser may do this for you, for a colleague, or for somebody whom rights "
    "wait for."
)
DEMOTED = "You are no longer a superuser. Nothing was saved."
WAITS = "Support’s rights wait: another superuser must confirm them within 24 hours."


class UserForm(SupportForm):
    """`asked` are rights that wait for a second person, `lost` those that end with this save."""

    asked = lost = rights.Rights()
    why = reason_field(
        "Needed where the e-mail changes: in 10 to 500 characters, who asked and how "
        "you know them. It goes to the former address and to the partner’s Admins."
    )

    @property
    def former_email(self) -> str:
        """Where this save takes it away from somebody; letters tell of that."""
        if self.stored and self.stored.email != self.cleaned_data.get("email"):
            return str(self.stored.email)
        return ""

    def clean_email(self) -> str:
        """Said here, once: the model has two rules for it."""
        email: str = self.cleaned_data["email"]
        if self._is_taken(email):
            raise ValidationError("There is a user with this e-mail already.")
        return email

    def _is_taken(self, email: str) -> bool:
        return User.objects.filter(email=email).exclude(pk=self.instance.pk).exists()

    def clean(self) -> dict[str, Any]:
        # First of all: two who demote each other would each hold the other's row.
        if self.instance.is_superuser:
            rights.lock_superusers()
        if self.instance.pk:
            memberships.lock_led_by(self.instance)
        cleaned = super().clean()
        self._ask_anew()
        if set(RIGHTS) <= cleaned.keys():
            self._part_rights(cleaned)
        if "email" in cleaned and self.former_email and not cleaned.get("why"):
            self.add_error("why", "Say why the e-mail changes, in 10 to 500 characters.")
        leaves = self.stored and self.stored.is_active and not cleaned.get("is_active", True)
        if leaves and (led := memberships.led_alone_by(self.stored)):
            names = ", ".join(str(partner) for partner in led)
            self.add_error(
                "is_active", f"The last active Admin of {names}: name another one there first."
            )
        return cleaned

    def _ask_anew(self) -> None:
        """Of what is locked now: somebody may have been demoted or proposed meanwhile."""
        actor = self.asked_by
        if actor.is_superuser and not rights.is_superuser(actor):
            raise PermissionDenied(DEMOTED)
        if self.stored and not rights.may_change(self.stored, actor=actor):
            raise PermissionDenied(NOT_YOURS)

    def _part_rights(self, cleaned: dict[str, Any]) -> None:
        """Only what a user has already, or loses, is saved with the rest."""
        groups = cleaned["groups"]
        wanted = rights.Rights(
            is_staff=cleaned["is_staff"],
            is_superuser=cleaned["is_superuser"],
            in_group=groups.filter(name=rights.GROUP).exists(),
        )
        # Who was switched off comes back with nothing: that takes two as well.
        comes_back = self.stored and not self.stored.is_active and cleaned.get("is_active")
        has_some = self.stored and not comes_back
        present = rights.of(self.stored) if has_some else rights.Rights()
        self.asked, self.lost = wanted - present, present - wanted
        cleaned["is_staff"] = wanted.is_staff and present.is_staff
        cleaned["is_superuser"] = wanted.is_superuser and present.is_superuser
        had = self.stored.groups.all() if has_some else groups.none()
        cleaned["groups"] = groups.filter(pk__in=had.values("pk"))

    def facts(self, private: frozenset[str]) -> dict[str, Any]:
        """Without what only waits, and with rights that end though they were sent as before."""
        facts = super().facts(private)
        held = [name for name in RIGHTS if self.stored and name in self.cleaned_data]
        facts |= {
            name: [plain(self.initial[name]), plain(self.cleaned_data[name])] for name in held
        }
        why = {"why": self.cleaned_data["why"]} if "email" in facts and self.stored else {}
        return why | {
            name: fact for name, fact in facts.items() if fact == "changed" or len(set(fact)) > 1
        }


class UserAdmin(SupportAdmin):
    """Nobody sets another's password: a new user asks for a link on the sign-in page.

    Our own staff, and who is to be, are looked after by superusers only: who could change a
    colleague's e-mail could also take the colleague's place.
    """

    form = UserForm
    asks_who_it_is = True
    kind = Kind.USER_CHANGED
    private = frozenset({"email", "name"})
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    fields = ("email", "why", "name", "is_active", *RIGHTS)
    readonly_fields = ("last_login", "created_at")

    change_form_template = "admin/accounts/user/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # Who is new had no other e-mail.
        fresh = [name for name in self.fields if name != "why"]
        return (*self.fields, *self.readonly_fields) if obj else fresh

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        user = context.get("original")
        may_reset = user and user != request.user and self.has_change_permission(request, user)
        context |= {"waiting": rights.open_for(user) if user else None, "may_reset": may_reset}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if not request.user.is_superuser:
            return (*self.readonly_fields, *RIGHTS)
        if obj == request.user:
            return (*self.readonly_fields, *RIGHTS, "is_active")
        return self.readonly_fields

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return obj is None or rights.may_change(obj, actor=request.user)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{**kwargs, "widget": CheckboxSelectMultiple}
        )

    def stream_of(self, obj: User) -> str:
        return f"u/{obj.pk}"

    def save_model(self, request: Any, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        is_switched_off = form.stored and form.stored.is_active and not obj.is_active
        if form.lost or is_switched_off:
            sessions.end(obj)
        if form.former_email or is_switched_off:
            rights.withdraw_those_for(obj, actor=request.user)
        if form.lost.is_superuser or is_switched_off:
            rights.withdraw_those_by(obj, actor=request.user)
        if form.former_email:
            emails.changed(obj, form.former_email, why=form.cleaned_data["why"])
        if form.asked:
            rights.propose(obj, form.asked, actor=request.user)
            messages.warning(request, WAITS)

    def write(self, obj: User, form: Any, change: bool) -> None:
        """Only what the form holds: what ended sessions meanwhile is not written over."""
        own = [name for name in self.fields if name not in ("groups", "why")]
        held = [name for name in form.cleaned_data if name in own]
        obj.save(update_fields=held if change else None)

    def get_urls(self) -> list[Any]:
        door: Any = self.admin_site.admin_view(self._second_step())
        door.reach = "support"
        name = "accounts_user_second_step"
        return [path("<path:object_id>/second-step/", door, name=name), *super().get_urls()]

    def _second_step(self) -> Any:
        @access.proven
        @require_http_methods(["GET", "HEAD", "POST"])
        def second_step(request: Any, object_id: str) -> HttpResponse:
            """Asks, then takes every second factor of a user away."""
            user = self.get_object(request, object_id)
            if user == request.user or not self.has_change_permission(request, user):
                raise PermissionDenied(NOT_YOURS)
            if request.method != "POST":
                return self._second_step_page(request, user)
            try:
                team.reset_by_support(user, actor=request.user)
            except team.NotYours:
                raise PermissionDenied(NOT_YOURS) from None
            said = f"{user} must set up a second step anew, and is told by e-mail."
            messages.success(request, said)
            return redirect("admin:accounts_user_change", user.pk)

        return second_step

    def _second_step_page(self, request: HttpRequest, user: User) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Reset the second step",
            "user_shown": user,
            "is_set_up": is_mfa_enabled(user),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/accounts/user/second_step.html", context)
