"""Proposals of support's rights: a list, and for each a page where another superuser decides."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.http import require_POST

from accounts import access, rights
from accounts.history_admin import ReadOnly
from accounts.models import Kind, RightsRequest

NOT_YOURS = "Another superuser must confirm: neither who proposed it, nor whom it is for."
CHANGED_HANDS = (
    "{} got the account, its e-mail or a new second step from somebody else within the last "
    f"{rights.SETTLES.days} days: let other superusers do it, or wait."
)
SETTLED = "That proposal was settled or is too old."


class RightsRequestAdmin(ReadOnly):
    kind = Kind.RIGHTS_PROPOSED
    list_display = (
        "user", "email", "asked_for", "standing", "proposer", "proposed_at", "confirmer",
    )  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("user", "proposer", "confirmer")
    fields = (*list_display, "expires_at", "settled_at")
    change_form_template = "admin/accounts/rightsrequest/change_form.html"

    @admin.display(description="e-mail")
    def email(self, it: RightsRequest) -> str:
        return it.user.email

    def asked_for(self, it: RightsRequest) -> str:
        return ", ".join(it.asked)

    def standing(self, it: RightsRequest) -> str:
        is_too_old = it.settled_at is None and not it.is_open
        return "Expired" if is_too_old else it.get_state_display()

    def get_urls(self) -> list[Any]:
        return [
            self._step("confirm", rights.confirm, "Confirmed: the rights are in force."),
            self._step("withdraw", rights.withdraw, "Withdrawn: nothing was granted."),
            *super().get_urls(),
        ]

    def _step(self, name: str, settle: Callable[..., None], said: str) -> Any:
        @access.proven
        @require_POST
        def step(request: Any, object_id: str) -> HttpResponse:
            found = self.get_object(request, object_id)
            try:
                settle(found, actor=request.user)
            except rights.SecondPersonNeeded:
                raise PermissionDenied(NOT_YOURS) from None
            except rights.ChangedHands as one:
                raise PermissionDenied(CHANGED_HANDS.format(one.user)) from None
            except rights.Settled:
                messages.error(request, SETTLED)
            else:
                messages.success(request, said)
            return redirect("admin:accounts_rightsrequest_change", found.pk)

        door: Any = self.admin_site.admin_view(step)
        door.reach = "support"
        return path(f"<path:object_id>/{name}/", door, name=f"accounts_rightsrequest_{name}")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        found, user = context["original"], request.user
        if found.is_open and user.is_superuser:
            context |= {"may_withdraw": True, "obstacle": _obstacle(found, user)}
        return super().render_change_form(request, context, *args, **kwargs)


def _obstacle(found: RightsRequest, user: Any) -> str:
    """Why this one cannot confirm."""
    try:
        rights.ask_for_two(found, user)
    except rights.SecondPersonNeeded:
        return NOT_YOURS
    except rights.ChangedHands as one:
        return CHANGED_HANDS.format(one.user)
    except rights.Settled:
        return SETTLED
    return ""
