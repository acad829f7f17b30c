"""People, roles and the audit log, as support sees them. Partners: `accounts.partner_admin`."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse

from accounts import memberships, rights, sessions, team
from accounts.models import (
    AuditEntry,
    Kind,
    Membership,
    Partner,
    Rank,
    RightsRequest,
    Role,
    User,
)
from accounts.rights_admin import RightsRequestAdmin
from accounts.seen import SupportForm
from accounts.support import ReadOnly, SupportAdmin

RIGHTS = ("is_staff", "is_superuser", "groups")
WAITS = "Support’s rights wait: another superuser must confirm them within 24 hours."


admin.site.register(RightsRequest, RightsRequestAdmin)


class RoleForm(SupportForm):
    def clean_rank(self) -> int:
        rank = self.cleaned_data["rank"]
        if not 1 <= rank < Rank.ADMIN:
            raise ValidationError("Choose a rank from 1 to 39: only the built-in Admin decides.")
        return rank


@admin.register(Role)
class RoleAdmin(SupportAdmin):
    """Built-in roles stay as they are; named ones may stand between them."""

    form = RoleForm
    kind = Kind.ROLE_CHANGED
    list_display = ("name", "rank", "is_built_in")
    fields = ("name", "rank")

    @admin.display(boolean=True, description="built in")
    def is_built_in(self, role: Role) -> bool:
        return role.is_built_in

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or not obj.is_built_in

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and not obj.is_built_in and not obj.memberships.exists()


class UserForm(SupportForm):
    """`asked` are rights that wait for a second person, `lost` those that end with this save."""

    asked = lost = rights.Rights()

    def clean_email(self) -> str:
        return self.cleaned_data["email"].lower()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if set(RIGHTS) <= cleaned.keys():
            self._part_rights(cleaned)
        leaves = self.stored and self.stored.is_active and not cleaned.get("is_active", True)
        if leaves and (led := memberships.led_alone_by(self.stored)):
            names = ", ".join(str(partner) for partner in led)
            self.add_error(
                "is_active", f"The last active Admin of {names}: name another one there first."
            )
        return cleaned

    def _part_rights(self, cleaned: dict[str, Any]) -> None:
        """Only what a user has already, or loses, is saved with the rest."""
        groups = cleaned["groups"]
        wanted = rights.Rights(
            is_staff=cleaned["is_staff"],
            is_superuser=cleaned["is_superuser"],
            in_group=groups.filter(name=rights.GROUP).exists(),
        )
        present = rights.of(self.stored) if self.stored else rights.Rights()
        self.asked, self.lost = wanted - present, present - wanted
        cleaned["is_staff"] = wanted.is_staff and present.is_staff
        cleaned["is_superuser"] = wanted.is_superuser and present.is_superuser
        had = self.stored.groups.all() if self.stored else groups.none()
        cleaned["groups"] = groups.filter(pk__in=had.values("pk"))

    def facts(self, private: frozenset[str]) -> dict[str, Any]:
        """Without what only waits."""
        facts = super().facts(private)
        return {
            name: fact for name, fact in facts.items() if fact == "changed" or len(set(fact)) > 1
        }


@admin.register(User)
class UserAdmin(SupportAdmin):
    """Nobody sets another's password: a new user asks for a link on the sign-in page.

    Our own staff are looked after by superusers only: who could change a colleague's e-mail
    could also take the colleague's place.
    """

    form = UserForm
    asks_who_it_is = True
    kind = Kind.USER_CHANGED
    private = frozenset({"email", "name"})
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    fields = ("email", "name", "is_active", *RIGHTS)
    readonly_fields = ("last_login", "created_at")

    change_form_template = "admin/accounts/user/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, *self.readonly_fields) if obj else self.fields

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        user = context.get("original")
        context["waiting"] = rights.open_for(user) if user else None
        return super().render_change_form(request, context, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if not request.user.is_superuser:
            return (*self.readonly_fields, *RIGHTS)
        if obj == request.user:
            return (*self.readonly_fields, *RIGHTS, "is_active")
        return self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        ours = obj is not None and (obj.is_staff or obj.is_superuser)
        return request.user.is_superuser or not ours

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
        if form.lost or (form.stored and form.stored.is_active and not obj.is_active):
            sessions.end(obj)
        if form.asked:
            rights.propose(obj, form.asked, actor=request.user)
            messages.warning(request, WAITS)


class MembershipForm(SupportForm):
    user_email = forms.EmailField(
        label="User", required=False, help_text="The e-mail address that the user signs in with."
    )

    def clean_user_email(self) -> str:
        email = self.cleaned_data["user_email"].lower()
        if self.instance._state.adding:
            user = User.objects.filter(email=email).first()
            if user is None:
                raise ValidationError("There is no such user: add the user first.")
            if user == self.asked_by:
                raise ValidationError("Nobody joins a partner by themselves: ask a colleague.")
            self.instance.user = user
        return email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if self.stored and self._ends_an_admin(cleaned):
            raise ValidationError(
                f"The last active Admin of {self.stored.partner}: name another one first."
            )
        if self.instance._state.adding and self._exists_already(cleaned):
            self.add_error("user_email", "Belongs to this partner already: change that one.")
        return cleaned

    def _ends_an_admin(self, cleaned: dict[str, Any]) -> bool:
        role = cleaned.get("role")
        stays = cleaned.get("is_active") and role and role.rank == Rank.ADMIN
        return not stays and memberships.would_leave_no_admin(self.stored)

    def _exists_already(self, cleaned: dict[str, Any]) -> bool:
        same = Membership.objects.filter(
            user=self.instance.user_id, partner=cleaned.get("partner") or 0
        )
        return same.exists()


@admin.register(Membership)
class MembershipAdmin(SupportAdmin):
    form = MembershipForm
    asks_who_it_is = True
    kind = Kind.MEMBERSHIP_CHANGED
    list_display = ("user", "email", "partner", "role", "is_active")
    list_filter = ("partner", "role", "is_active")
    list_select_related = ("user", "partner", "role")
    search_fields = ("user__email", "user__name")

    @admin.display(ordering="user__email")
    def email(self, membership: Membership) -> str:
        return membership.user.email

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("user" if obj else "user_email", "partner", "role", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("user", "partner") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or obj.user_id != request.user.pk

    def partner_of(self, obj: Membership) -> Partner:
        return obj.partner

    def stream_of(self, obj: Membership) -> str:
        return f"p/{obj.partner_id}"

    def record(self, actor: User, obj: Membership, **facts: Any) -> None:
        super().record(actor, obj, user=obj.user_id, **facts)

    def save_model(self, request: Any, obj: Membership, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if form.stored and team.is_less(form.stored, obj):
            team.take_away(obj, actor=request.user)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("at", "kind", "actor_email", "partner_key", "subject", "stream", "seq")
    list_filter = ("kind",)
    search_fields = ("subject__exact",)
    search_help_text = "The whole subject, such as partner:northbank or verification:<scan ref>"
    fields = (*list_display, "facts", "prev", "digest")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        actors = User.objects.filter(pk=OuterRef("actor")).values("email")
        partners = Partner.objects.filter(pk=OuterRef("partner")).values("key")
        return (
            super()
            .get_queryset(request)
            .annotate(actor_email=Subquery(actors), partner_key=Subquery(partners))
        )

    @admin.display(description="who")
    def actor_email(self, entry: Any) -> str:
        return entry.actor_email or ("system" if entry.actor is None else f"user {entry.actor}")

    @admin.display(description="partner")
    def partner_key(self, entry: Any) -> str:
        return entry.partner_key or ""

    def facts(self, entry: AuditEntry) -> str:
        return "\n".join(f"{name}: {_shown(value)}" for name, value in entry.facts.items())


def _shown(value: Any) -> str:
    return " → ".join(map(str, value)) if isinstance(value, list) else str(value)
