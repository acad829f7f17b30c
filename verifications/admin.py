"""What support sees of verifications: history is not edited, applicants are masked."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.history_admin import AuditEntryAdmin as BareAuditEntryAdmin
from accounts.history_admin import ReadOnly
from accounts.models import AuditEntry, Kind, Partner
from accounts.partner_admin import PartnerAdmin as BarePartnerAdmin
from accounts.seen import SupportForm
from accounts.support import SupportAdmin
from verifications import audit_log, buttons
from verifications.callback_admin import ProviderCallbackAdmin
from verifications.models import (
    Decision,
    DecisionReason,
    ProviderCallback,
    RejectionReason,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from verifications.statuses import Standing, Status

# Of one scan ref there is one a partner; more of a client ID than a page are never needed.
MOST_FOUND = 50

admin.site.register(ProviderCallback, ProviderCallbackAdmin)


@admin.register(Partner)
class PartnerAdmin(BarePartnerAdmin):
    def effects(self, before: Partner, after: Partner) -> list[Any]:
        return buttons.effects(before, after)

    def warnings(self, before: Partner, after: Partner) -> list[str]:
        return buttons.warnings(before, after)


@admin.register(AuditEntry)
class AuditEntryAdmin(BareAuditEntryAdmin):
    def facts(self, entry: AuditEntry) -> str:
        (line,) = audit_log.lines(entry.partner, [entry])
        return "\n".join(f"{name}: {words}" for name, words in line.facts)


class ReasonForm(SupportForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        code = cleaned.get("code") or self.instance.code
        if code == "OTHER" and not cleaned.get("needs_note"):
            self.add_error("needs_note", "The reason OTHER needs a note.")
        if self.instance._state.adding and "partner" in cleaned and self._is_taken(code):
            self.add_error("code", "There is such a reason already: choose another code.")
        return cleaned

    def _is_taken(self, code: str) -> bool:
        same = RejectionReason.objects.filter(partner=self.cleaned_data["partner"], code=code)
        return same.exists()


@admin.register(RejectionReason)
class RejectionReasonAdmin(SupportAdmin):
    """It keeps its code and whose it is; one that a decision names is retired, not deleted."""

    form = ReasonForm
    kind = Kind.REASON_CHANGED
    list_display = ("label", "code", "group", "sets", "needs_note", "order", "is_active", "partner")
    list_filter = ("group", "is_active", "partner")
    list_select_related = ("partner",)
    search_fields = ("code", "label")
    fields = ("code", "label", "group", "sets", "needs_note", "order", "is_active", "partner")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code", "partner") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and not _is_used(obj)

    def partner_of(self, obj: RejectionReason) -> Partner | None:
        return obj.partner


def _is_used(reason: RejectionReason) -> bool:
    return DecisionReason.objects.filter(code=reason.code).exists()


@admin.register(Verification)
class VerificationAdmin(ReadOnly):
    list_display = (
        "scan_ref", "applicant", "partner", "client_id", "status", "suspected", "review_type",
        "started_at",
    )  # fmt: skip
    list_filter = ("status", "suspected", "review_type", "partner")
    list_select_related = ("partner",)
    along_partner = "started_at"
    listed = Q(disposed_at=None)
    search_fields = ("scan_ref__exact", "client_id__exact")
    search_help_text = "The whole scan ref or client ID. There is no search by name."
    fields = (
        "applicant", "partner", "scan_ref", "client_id", "external_ref", "status", "suspected",
        "is_final", "overall", "revision", "decision", "has_new_data", "token_type",
        "review_type", "platform", "document_type", "document_country", "auto_face",
        "auto_document", "manual_face", "manual_document", "deny_reasons", "started_at",
        "finished_at", "created_at",
    )  # fmt: skip

    @admin.display(description="applicant")
    def applicant(self, verification: Verification) -> str:
        return masked(verification.name)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """By equality, partner by partner: each is one look into an index.

        Found first and listed then: of both at once a planner makes a walk through all rows.
        """
        if not (text := search_term.strip()):
            return self.newest(request, queryset), False
        partners = Partner.objects.order_by().values_list("pk", flat=True)
        theirs = Verification.objects.filter(partner__in=list(partners)).order_by()
        found = [theirs.filter(scan_ref=text), theirs.filter(client_id=text, disposed_at=None)]
        keys = {key for rows in found for key in rows.values_list("pk", flat=True)[:MOST_FOUND]}
        return queryset.filter(pk__in=keys), False


def masked(name: str) -> str:
    """Initials with dots: enough to talk about the same person, too little to know who it is."""
    initials = (next(filter(str.isalnum, word), "") for word in name.split())
    return " ".join(f"{initial}…" for initial in initials if initial)


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    list_display = (
        "decided_at", "partner", "action", "verification", "change", "actor", "role_name",
    )  # fmt: skip
    list_filter = ("action", "partner")
    list_select_related = ("partner", "verification", "actor")
    along = along_partner = "decided_at"
    fields = (
        *list_display, "reasons_given", "revision", "may_approve", "may_deny", "pricing_model",
        "plan", "undoable_until", "supersedes", "undoes",
    )  # fmt: skip

    def change(self, decision: Decision) -> str:
        former = Standing(Status(decision.from_status), decision.from_suspected)
        return f"{former} → {Standing(Status(decision.to_status), decision.to_suspected)}"

    @admin.display(description="reasons")
    def reasons_given(self, decision: Decision) -> str:
        return "\n".join(f"{it.code}: {it.label}" for it in decision.reasons.all())


class EndpointForm(SupportForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        is_active, why = cleaned.get("is_active"), cleaned.get("switched_off_why")
        if self.stored and not self.stored.is_active and is_active:
            self.add_error("is_active", "Only the partner's Admins switch an endpoint on.")
        elif is_active and why:
            self.add_error("switched_off_why", "Switch it off too, or leave this empty.")
        elif not is_active and not why:
            self.add_error("switched_off_why", "Say why: the partner's Admins read it.")
        return cleaned


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(SupportAdmin):
    """Support may switch one off. Keys and the values of headers are never shown."""

    form = EndpointForm
    kind = Kind.ENDPOINT_CHANGED
    list_display = ("name", "partner", "plain_address", "is_active", "switched_off_why")
    list_filter = ("is_active", "partner")
    list_select_related = ("partner",)
    fields = (
        "name", "partner", "plain_address", "events", "header_names", "is_active",
        "switched_off_why", "removed_at", "created_at",
    )  # fmt: skip
    readonly_fields = tuple(it for it in fields if it not in ("is_active", "switched_off_why"))

    @admin.display(description="address")
    def plain_address(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.address

    def header_names(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.known_headers)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "switched_off_why":
            field.required, field.widget = False, forms.TextInput(attrs={"class": "vTextField"})
        return field

    def partner_of(self, obj: WebhookEndpoint) -> Partner:
        return obj.partner

    def subject_of(self, obj: WebhookEndpoint) -> str:
        return obj.audit_subject

    def stream_of(self, obj: WebhookEndpoint) -> str:
        return obj.audit_stream

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.revision = form.stored.revision + 1
        super().save_model(request, obj, form, change)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly):
    list_display = (
        "queued_at", "partner", "endpoint", "event", "verification", "message", "state",
        "attempts", "last_code",
    )  # fmt: skip
    along = along_partner = "queued_at"
    list_filter = ("state", "partner")
    list_select_related = ("partner", "endpoint", "verification")
    fields = (*list_display, "decision", "due_at", "claimed_until", "settled_at")

    def message(self, delivery: WebhookDelivery) -> int:
        """Its number, as pages have it; the header Webhook-Sequence."""
        return delivery.sequence


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnly):
    list_display = ("started_at", "delivery", "number", "code", "problem", "milliseconds")
    list_select_related = ("delivery",)
    fields = list_display
