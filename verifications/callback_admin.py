"""Callbacks as support sees them: where each body stopped and why, and reading it again."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts import audit
from accounts.history_admin import ReadOnly
from accounts.models import Kind, Partner
from accounts.statements import Statement
from accounts.support import CappedPaginator
from verifications import vault
from verifications.callbacks import intake, provider
from verifications.models import CallbackBody, Outcome, ProviderCallback, Stage


class Understanding(admin.SimpleListFilter):
    title = "understanding"
    parameter_name = "show"
    WHICH: ClassVar[dict[str, Q]] = {
        "": ~Q(stage=Stage.ACCEPTED),
        "waiting": Q(stage=Stage.ACCEPTED, outcome=Outcome.WAITING),
        "noticed": ~Q(notice=""),
        "all": Q(),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("waiting", "Accepted, not applied yet"),
            ("noticed", "With a notice to support"),
            ("all", "All"),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Not understood"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if (self.value() or "") not in self.WHICH:
            raise IncorrectLookupParameters
        return queryset.filter(self.WHICH[self.value() or ""])


def _newest(which: str) -> Statement:
    rows = ProviderCallback.objects.filter(Understanding.WHICH[which])
    return Statement(lambda: rows.order_by("-pk").values_list("pk")[: CappedPaginator.most])


WAITING_FOR_US = {which: _newest(which) for which in ("", "waiting")}


class ProviderCallbackAdmin(ReadOnly):
    """Where each body stopped and why, never the body."""

    list_display = (
        "received_at", "partner", "event", "stage", "problem", "outcome", "notice",
        "times_received", "short_digest",
    )  # fmt: skip
    list_filter = (Understanding, "stage", "outcome", "partner")
    list_select_related = ("partner",)
    search_fields = ("digest__exact",)
    search_help_text = "The whole digest of a body"
    fields = (
        "partner", "event", "stage", "problem", "outcome", "notice", "times_received",
        "received_at", "verification", "overall", "is_final", "finished_at", "digest",
    )  # fmt: skip
    actions = ("read_again",)
    change_form_template = "admin/verifications/providercallback/change_form.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """By equality, partner by partner: found by the index of what is kept once, listed then."""
        if not (text := search_term.strip()):
            return self.newest(request, queryset), False
        partners = Partner.objects.order_by().values_list("pk", flat=True)
        events = (*provider.EVENTS, provider.EXPIRATION)
        kept = ProviderCallback.objects.filter(partner__in=list(partners), event__in=events)
        found = kept.filter(digest=text).order_by().values_list("pk", flat=True)
        return queryset.filter(pk__in=list(found)), False

    def told(self, request: HttpRequest) -> str:
        return "" if request.GET.get("show", "") in WAITING_FOR_US else super().told(request)

    def newest(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """What waits for somebody is listed however old it is: it has an index of its own."""
        show = request.GET.get("show", "")
        if show not in WAITING_FOR_US:
            return super().newest(request, queryset)
        keys = [key for (key,) in WAITING_FOR_US[show].rows()]
        return queryset.filter(pk__in=keys).order_by("-pk")

    @admin.display(description="digest")
    def short_digest(self, callback: ProviderCallback) -> str:
        return callback.digest[:12]

    @admin.action(description="Read and apply again")
    def read_again(self, request: HttpRequest, rows: QuerySet) -> None:
        for pk in rows.order_by("pk").values_list("pk", flat=True):
            level, sentence = _read_again(pk, request.user)
            self.message_user(request, f"Callback {pk}: {sentence}", level)


@transaction.atomic
def _read_again(pk: int, actor: Any) -> tuple[int, str]:
    callback = ProviderCallback.objects.select_related("partner").get(pk=pk)
    try:
        callback = intake.reapply(callback)
    except intake.Settled:
        return messages.WARNING, "it was applied or settled before; nothing was done."
    except CallbackBody.DoesNotExist:
        return messages.WARNING, "its body was erased; nothing was done."
    except vault.DoesNotOpen:
        return messages.ERROR, "its body cannot be opened; nothing was changed."
    except OperationalError:
        transaction.set_rollback(True)
        return messages.ERROR, "somebody has its verification at this moment: try again."
    if callback.stage == Stage.ACCEPTED and callback.outcome == Outcome.WAITING:
        return messages.ERROR, "it still cannot be applied; nothing was changed."
    audit.record(
        Kind.CALLBACK_REAPPLIED,
        actor=actor,
        partner=callback.partner,
        subject=f"callback:{callback.pk}",
        stream=f"p/{callback.partner_id}",
        stage=callback.stage,
        outcome=callback.outcome,
        digest=callback.digest,
    )
    if callback.stage != Stage.ACCEPTED:
        return messages.WARNING, f"still not understood ({callback.problem})."
    return messages.SUCCESS, f"understood: {callback.get_outcome_display().lower()}."
