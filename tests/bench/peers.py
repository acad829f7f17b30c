"""What we are measured against, on the same rows: empty views, Django's own changelist, bare SQL.

All of it stands behind the stock session and auth middleware.
"""

import uuid
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.handlers.wsgi import WSGIHandler
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.test import override_settings
from django.urls import path
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.decorators.csrf import csrf_exempt

from accounts.models import FIRST, AuditEntry, Kind, Partner
from verifications.models import Decision, Verification, WebhookDelivery
from verifications.statuses import Action, Status

# The middleware that `startproject` writes, and what leads here.
STOCK = [
    "tests.bench.peers.here",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SESSIONS = "django.contrib.sessions.backends.db"
# Django's own templates, without ours above them.
TEMPLATES = {
    "NAME": "stock",
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {
        "context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ],
    },
}
PAGE = (
    "SELECT id, name, status, suspected, client_id, scan_ref, document_type, document_country,"
    " review_type, started_at FROM verifications_verification WHERE partner_id = %s"
    " AND disposed_at IS NULL ORDER BY started_at DESC, id DESC LIMIT 51"
)


def here(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return middleware


def application() -> WSGIHandler:
    with override_settings(MIDDLEWARE=STOCK, SESSION_ENGINE=SESSIONS):
        return WSGIHandler()


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


def empty_that_writes(request: HttpRequest) -> HttpResponse:
    """One view entry, without its chain, written durably."""
    key = uuid.uuid4().hex
    AuditEntry.objects.create(
        stream=f"empty/{key}",
        seq=1,
        prev=FIRST,
        digest=key,
        kind=Kind.VIEWED,
        at=timezone.now(),
        actor=request.user.pk,
        partner=None,
        subject="verification:none",
        body="{}",
    )
    return HttpResponse(str(request.user.pk))


def raw(request: HttpRequest) -> HttpResponse:
    """One page of rows by hand-written SQL, not drawn."""
    with connection.cursor() as cursor:
        cursor.execute(PAGE, [request.GET["partner"]])
        return HttpResponse(f"{request.user.pk} {len(cursor.fetchall())}")


@csrf_exempt
def bare_decision(request: HttpRequest, pk: int) -> HttpResponse:
    bare(pk, request.user.pk)
    return redirect("/empty/")


def bare(pk: int, user: int) -> None:
    """The sketch's transaction: lock, update, a row of decision, a row of outbox. No ledger."""
    partner = Partner.objects.get(key="bench-01")
    with transaction.atomic():
        row = Verification.objects.select_for_update().get(pk=pk)
        to = Status.DENIED if row.status == Status.APPROVED else Status.APPROVED
        rows = Verification.objects.filter(pk=pk, revision=row.revision)
        rows.update(status=to, suspected=False, revision=F("revision") + 1)
        decision = Decision.objects.create(
            verification=row,
            partner=partner,
            # A denial needs reasons: one statement more, which the sketch did not have.
            action=Action.APPROVE,
            from_status=row.status,
            from_suspected=row.suspected,
            to_status=Status.APPROVED,
            to_suspected=False,
            revision=row.revision + 1,
            request_key=uuid.uuid4(),
            actor_id=user,
            role_name="Admin",
            role_rank=40,
            may_approve=True,
            may_deny=True,
            pricing_model=partner.pricing_model,
            plan=partner.plan,
        )
        WebhookDelivery.objects.create(
            endpoint=partner.endpoints.all()[0],
            partner=partner,
            verification=row,
            decision=decision,
            event="IDENTIFICATION_MANUAL_FINISHED",
            sequence=10_000 + row.revision,
        )


class Stock(ModelAdmin):
    """As one writes it first: the columns of our list, its filters, its search."""

    list_display = (
        "name",
        "status",
        "suspected",
        "client_id",
        "scan_ref",
        "document_type",
        "document_country",
        "review_type",
        "started_at",
    )
    list_filter = ("status", "suspected", "is_final", "document_type", "platform", "review_type")
    search_fields = ("name", "client_id", "scan_ref", "external_ref", "number_hash")
    date_hierarchy = "started_at"
    list_per_page = 50
    # What is newest by number is newest by start: no sort over all rows, as an index would spare.
    ordering = ("-id",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse):
            response.using = "stock"
        return response


class Capped(Paginator):
    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:10_001].count()


class Tuned(Stock):
    """Without what costs most: days, full counts, unbounded pages, search inside names."""

    date_hierarchy = None
    # Of columns with choices only: others are asked for all their values.
    list_filter = ("status", "suspected", "is_final", "review_type")
    show_full_result_count = False
    paginator = Capped
    search_fields = ("name__startswith",)


def _site(name: str, admin: type[ModelAdmin]) -> AdminSite:
    site = AdminSite(name=name)
    site.register(Verification, admin)
    return site


stock, tuned = _site("stock", Stock), _site("tuned", Tuned)
urlpatterns = [
    path("empty/", empty),
    path("writes/", empty_that_writes),
    path("raw/", raw),
    path("bare/<int:pk>/", bare_decision),
    path("stock/", stock.urls),
    path("tuned/", tuned.urls),
]
