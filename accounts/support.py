"""Django admin for support: one door, closed lookups, lists without counting, changes on record.

What may be done stands here and in the admin classes, not in rows of permissions: no row can give
anybody the right to change history.
"""

import re
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import BadRequest
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import BooleanField, Field, UUIDField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import URLPattern
from django.utils.functional import cached_property

from accounts import access, audit, letters, recent, rights, twice
from accounts.models import AuditEntry, Kind, Partner, User
from accounts.seen import SupportForm

# Stock features that we do not use, and that take what nobody looked at.
REFUSED = {IS_POPUP_VAR, TO_FIELD_VAR, "_saveasnew", ERROR_FLAG}
UNUSED = {"view_on_site", "autocomplete"}
NUMBER = re.compile(r"[1-9][0-9]{0,17}")
LATE = (
    "E-mail waits to be sent since {:%-d %b, %H:%M} UTC: either no worker runs, or the mail server "
    "takes nothing. The log says which."
)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_support(user: Any) -> bool:
    if not (user.is_active and user.is_staff):
        return False
    return user.is_superuser or user.groups.filter(name=rights.GROUP).exists()


class SupportSite(admin.AdminSite):
    site_header = "IDV Dashboard · Support"
    site_title = "Support"
    index_title = "What support looks after"
    enable_nav_sidebar = False

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Libraries register classes of their own, which follow none of our rules: left out."""
        if admin_class and issubclass(admin_class, SupportAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: Any) -> bool:
        """Asked several times a request, looked up once."""
        if not hasattr(request, "is_support"):
            request.is_support = is_support(request.user)
        return bool(request.is_support)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Whoever is signed in and not of support finds nothing here."""
        stock = super().admin_view(view, cacheable)

        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            if REFUSED & {*request.GET, *request.POST}:
                raise BadRequest("a feature of Django admin that is not used here")
            return stock(request, *args, **kwargs)

        return door

    def get_urls(self) -> list[Any]:
        patterns: list[Any] = super().get_urls()
        kept = [it for it in patterns if getattr(it, "name", None) not in UNUSED]
        for pattern in kept:
            if isinstance(pattern, URLPattern) and not hasattr(pattern.callback, "reach"):
                pattern.callback.reach = "support"  # type: ignore[attr-defined]
        return kept

    @access.public
    def login(  # type: ignore[override]
        self, request: HttpRequest, extra_context: Any = None
    ) -> HttpResponse:
        """There is one page to sign in, for everybody."""
        if not request.user.is_authenticated:
            onward = {"next": request.GET.get("next") or resolve_url("admin:index")}
            return redirect(f"{resolve_url('account_login')}?{urlencode(onward)}")
        if not self.has_permission(request):
            raise Http404
        return redirect("admin:index")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """A worker that is down cannot say so itself: the first page does."""
        page = request.resolver_match
        if page and page.url_name == "index" and (since := letters.late_since()):
            messages.warning(request, LATE.format(since))
        return super().each_context(request)

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("usersessions_list")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")


class CappedPaginator(Paginator):
    """Pages through the first rows only, so that no list ever counts a whole table."""

    most = 1000

    @cached_property
    def count(self) -> int:
        # In their order, which is that of an index.
        rows: Any = self.object_list
        return rows[: self.most].count()


def _answers(field: Any) -> set[str]:
    if isinstance(field, BooleanField):
        return {"0", "1"}
    return {str(value) for value, _ in field.flatchoices}


class SupportAdmin(admin.ModelAdmin):
    """What every list and form of support's has in common."""

    form = SupportForm
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    preserve_filters = False
    view_on_site = False
    actions: Any = ()
    # Each word asks every column once more: a statement that SQLite refuses in the end.
    longest_search = 200
    # Saving asks who it is, if that was not proven lately; what was typed is kept.
    asks_who_it_is = False
    # What the audit log calls a change here; fields of which it says only that they changed.
    kind: ClassVar[Kind]
    private: ClassVar[frozenset[str]] = frozenset()

    # The door has been passed: support may look, and each class says what else.
    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        patterns: list[Any] = super().get_urls()
        for pattern in patterns:
            pattern.callback.reach = "support"
        return patterns

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        found = super().get_object(request, object_id) if self._is_key(object_id) else None
        if found is None:
            raise Http404
        return found

    def _is_key(self, text: str) -> bool:
        shape = UUID if isinstance(self.opts.pk, UUIDField) else NUMBER
        return shape.fullmatch(text) is not None

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """The declared filters, with answers that they offer; no other column can be asked."""
        name, _, end = lookup.partition("__")
        if name not in self.list_filter:
            classes: list[Any] = [it for it in self.list_filter if not isinstance(it, str)]
            return any(it.parameter_name == lookup for it in classes)
        if end == "id__exact":
            return NUMBER.fullmatch(str(value)) is not None
        offered = ("True", "False") if end == "isnull" else _answers(self.opts.get_field(name))
        return end in ("exact", "isnull") and value in offered

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters:
            raise BadRequest("a filter that cannot be read") from None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST" and not self._is_readable_action(request):
            raise BadRequest("an action that cannot be read")
        if len(request.GET.get(SEARCH_VAR, "")) > self.longest_search:
            raise BadRequest("a search that is longer than its field takes")
        return super().changelist_view(request, extra_context)

    def _is_readable_action(self, request: HttpRequest) -> bool:
        """Only rows that were ticked one by one: never all rows that a filter finds."""
        return (
            request.POST.get("action") in self.get_actions(request)
            and request.POST.get("index", "0") == "0"
            and request.POST.get("select_across", "0") == "0"
            and all(map(self._is_key, request.POST.getlist("_selected_action")))
        )

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        if self.asks_who_it_is and (asked := recent.answer(request, asks_readers=False)):
            return asked
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except IntegrityError:
            # Somebody was faster by a moment: checked once more, the form says what is taken.
            return super().changeform_view(request, object_id, *args, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing from the address."""
        return {}

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the links that open other forms in pop-up windows."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.model_admin, form.asked_by = self, request.user
        return form

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        if form.errors and (added := self._added_by(request)):
            return self.response_add(request, added)
        response = super().render_change_form(request, context, *args, **kwargs)
        response.status_code = form.answer
        return response

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        twice.remember(request, obj.pk)
        return super().log_addition(request, obj, message)

    def _added_by(self, request: HttpRequest) -> Any:
        """What this very form has added, if it was pressed twice."""
        return self.get_queryset(request).filter(pk=twice.remembered(request)).first()

    def subject_of(self, obj: Any) -> str:
        return f"{self.opts.model_name}:{obj.pk}"

    def stream_of(self, obj: Any) -> str:
        return f"s/{self.opts.model_name}"

    def partner_of(self, obj: Any) -> Partner | None:
        return None

    def last_change(self, obj: Any) -> AuditEntry | None:
        told = AuditEntry.objects.filter(subject=self.subject_of(obj), kind=self.kind)
        return told.order_by("-at", "-id").first()

    def record(self, actor: User, obj: Any, **facts: Any) -> None:
        audit.record(
            self.kind,
            actor=actor,
            partner=self.partner_of(obj),
            subject=self.subject_of(obj),
            stream=self.stream_of(obj),
            **facts,
        )

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        self.write(obj, form, change)
        if facts := form.facts(self.private):
            self.record(request.user, obj, **facts)

    def write(self, obj: Any, form: Any, change: bool) -> None:
        obj.save()

    def delete_model(self, request: Any, obj: Any) -> None:
        self.record(request.user, obj, deleted=True)
        super().delete_model(request, obj)
