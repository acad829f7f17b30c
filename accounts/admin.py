"""People and roles, as support sees them. Partners: `accounts.partner_admin`."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import memberships, team
from accounts.models import (
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
from accounts.support import SupportAdmin
from accounts.user_admin import UserAdmin

admin.site.register(RightsRequest, RightsRequestAdmin)
admin.site.register(User, UserAdmin)


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


class MembershipForm(SupportForm):
    user_email = forms.CharField(
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
