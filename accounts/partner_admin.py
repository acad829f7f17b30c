"""Partners, as support changes them: a reason, a look at who gains or loses what, then the save.

Not registered here: what a flag means is known to the app above, which fills in `effects()`.
"""

import copy
import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.admin.utils import label_for_field
from django.core.exceptions import NON_FIELD_ERRORS, BadRequest, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from accounts import partners, recent, twice
from accounts.models import Kind, Partner
from accounts.seen import SupportForm, reason_field, told_by
from accounts.support import NUMBER, SupportAdmin

LOOK_FIRST = "Look at what changes, then save."


class Difference(NamedTuple):
    label: str
    before: str
    after: str


def _differences(before: Partner, after: Partner) -> Iterator[Difference]:
    for name in partners.FIELDS:
        if getattr(before, name) != getattr(after, name):
            label = str(label_for_field(name, Partner)).capitalize()
            yield Difference(label, _shown(before, name), _shown(after, name))


def _shown(partner: Partner, name: str) -> str:
    value = getattr(partner, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(getattr(partner, f"get_{name}_display", lambda: value)())


class PartnerForm(SupportForm):
    """Comes back with a preview until it was sent with the mark of exactly that preview."""

    reason = reason_field(
        "Why, in 10 to 500 characters: the contract, the request, who asked. "
        "It is kept for ever in the audit log: never write of an applicant."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.effects: list[Any] | None = None
        self.differs: list[Difference] = []
        self.warnings: list[str] = []
        self.preview_mark = ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        asked = "_preview" in self.data
        if self.stored and (asked or self._changes_contract(cleaned)):
            if self._changes_contract(cleaned) and not asked and not cleaned.get("reason"):
                self._ask_reason()
            self._preview(cleaned)
            if asked or self.data.get("previewed") != self.preview_mark:
                self.add_error(None, ValidationError(LOOK_FIRST, code="preview"))
        return cleaned

    def _changes_contract(self, cleaned: dict[str, Any]) -> bool:
        return any(
            name in cleaned and cleaned[name] != getattr(self.stored, name)
            for name in partners.CONTRACT
        )

    def _ask_reason(self) -> None:
        if "reason" not in self.errors:
            self.add_error("reason", "Say why, in 10 to 500 characters.")

    def _preview(self, cleaned: dict[str, Any]) -> None:
        after = copy.copy(self.stored)
        told = {name: cleaned[name] for name in partners.FIELDS if name in cleaned}
        for name, value in told.items():
            setattr(after, name, value)
        self.effects = self.model_admin.effects(self.stored, after)
        self.differs = list(_differences(self.stored, after))
        self.warnings = self.model_admin.warnings(self.stored, after)
        shown = repr((self.stored.revision, sorted(told.items()), self.effects))
        self.preview_mark = hashlib.sha256(shown.encode()).hexdigest()

    @property
    def problems(self) -> list[str]:
        """What is wrong with the whole; that somebody should look first is not."""
        return [text for text in super().problems if text != LOOK_FIRST]

    @property
    def answer(self) -> int:
        only_looking = self.effects is not None and len(self.errors) == 1 and not self.problems
        return 200 if only_looking and NON_FIELD_ERRORS in self.errors else super().answer


class PartnerAdmin(SupportAdmin):
    form = PartnerForm
    asks_who_it_is = True
    kind = Kind.PARTNER_CHANGED
    list_display = ("name", "key", "plan", "pricing_model", "may_approve", "may_deny", "is_active")
    list_filter = ("is_active", "plan", "pricing_model", "may_approve", "may_deny")
    search_fields = ("name", "key")
    change_form_template = "admin/accounts/partner/change_form.html"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        contract = ("Contract", {"fields": partners.CONTRACT})
        others = (None, {"fields": ("name", "key", "undo_seconds")})
        why = ("Why", {"fields": ("reason",)})
        return (others, contract, why) if obj else (others, contract)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("key",) if obj else ()

    def effects(self, before: Partner, after: Partner) -> list[Any]:
        """Who gains or loses what by the change."""
        raise NotImplementedError

    def warnings(self, before: Partner, after: Partner) -> list[str]:
        """What else the change would bring about, in sentences."""
        raise NotImplementedError

    def subject_of(self, obj: Partner) -> str:
        return partners.subject_of(obj)

    def save_model(self, request: Any, obj: Partner, form: Any, change: bool) -> None:
        if not change:
            partners.create(obj, actor=request.user)
            return
        values = {name: form.cleaned_data[name] for name in partners.FIELDS}
        partners.change(
            obj,
            values,
            actor=request.user,
            seen_revision=form.stored.revision,
            reason=form.cleaned_data["reason"],
        )

    def response_add(
        self, request: HttpRequest, obj: Partner, post_url_continue: Any = None
    ) -> HttpResponse:
        """The one page that shows the new partner's callback key: no redirect could carry it."""
        return self._key_page(request, obj, key=obj.callback_key)

    def get_urls(self) -> list[Any]:
        new_key: Any = path(
            "<path:object_id>/new-key/",
            self.admin_site.admin_view(self.new_key),
            name="accounts_partner_new_key",
        )
        new_key.callback.reach = "support"
        return [new_key, *super().get_urls()]

    def new_key(self, request: Any, object_id: str) -> HttpResponse:
        """Asks, then makes a new callback key and shows it once."""
        partner = self.get_object(request, object_id)
        if asked := recent.answer(request):
            return asked
        if request.method != "POST":
            return self._key_page(request, partner)
        seen = request.POST.get("seen", "")
        if not NUMBER.fullmatch(seen):
            raise BadRequest("no revision")
        try:
            with transaction.atomic():
                key = partners.replace_callback_key(
                    partner, actor=request.user, seen_revision=int(seen)
                )
                twice.remember(request, int(seen) + 1)
                self.log_change(request, partner, "Replaced the callback key.")
        except partners.Stale:
            return self._no_other_key(request, self.get_object(request, object_id))
        return self._key_page(request, partner, key=key)

    def _no_other_key(self, request: HttpRequest, partner: Partner) -> HttpResponse:
        """Who was first is told; whoever pressed twice sees the key that the first press made."""
        if twice.remembered(request) == partner.revision:
            return self._key_page(request, partner, key=partner.callback_key)
        return self._key_page(request, partner, status=409, stale=self._stale(partner))

    def _stale(self, partner: Partner) -> str:
        entry = self.last_change(partner)
        return told_by(entry) if entry else "Somebody changed this meanwhile"

    def _key_page(
        self, request: HttpRequest, partner: Partner, status: int = 200, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Callback key",
            "partner": partner,
            "opts": self.opts,
            **more,
        }
        template = "admin/accounts/partner/callback_key.html"
        return TemplateResponse(request, template, context, status=status)
