"""Rows that only grow, as support sees them: nothing is changed, and no list reads a table."""

from typing import Any

from django.contrib import admin
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse

from accounts.models import Partner, User
from accounts.support import SupportAdmin

# Rows that a list looks at.
NEWEST = 2000


class ReadOnly(SupportAdmin):
    """A list looks at the newest rows only, of all or of one partner: a filter that few fit would
    read a table to its end. What is older is found by a search.
    """

    sortable_by = ()
    # Columns by which rows lie on an index, of all of them and of one partner.
    along, along_partner = "id", ""
    # What such an index holds.
    listed = Q()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if search_term.strip():
            return super().get_search_results(request, queryset, search_term)
        return self.newest(request, queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        told = {"subtitle": self.told(request)}
        return super().changelist_view(request, told | (extra_context or {}))

    def told(self, request: HttpRequest) -> str:
        """Which rows a list looks at, where that is not all."""
        return "" if request.GET.get("q") else f"Of the newest {NEWEST:,}"

    def newest(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows, along = self.model._default_manager.filter(self.listed), self.along
        partner = request.GET.get("partner__id__exact")
        if partner and self.along_partner:
            rows, along = rows.filter(partner=partner), self.along_partner
        narrowed = queryset.filter(self.listed).order_by(f"-{along}", "-pk")
        if along == "id":
            last = self.model._default_manager.aggregate(last=Max("id"))["last"] or 0
            return narrowed.filter(id__gt=last - NEWEST)
        edge = rows.order_by(f"-{along}").values_list(along, flat=True)[NEWEST : NEWEST + 1]
        return narrowed.filter(**{f"{along}__gt": it for it in edge})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditEntryAdmin(ReadOnly):
    """Whoever registers it says what `facts` look like."""

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
