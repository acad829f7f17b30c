"""Statements whose SQL is written once: what fills their slots is a value like any other."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from django.apps import apps
from django.db import connection, connections, transaction
from django.db.models import DateTimeField, F, Model
from django.db.models.signals import post_init, pre_init

from accounts import cursors
from accounts.models import Partner, User
from accounts.statements import Numbers, OneOf, Slot, Statement, Texts
from tests import factories
from tests.verifications import rows
from verifications.models import Verification, WebhookEndpoint


@pytest.fixture
def named(northbank: Partner, southpay: Partner) -> Statement:
    return Statement(lambda: Partner.objects.filter(key=Slot("key")).values_list("pk", "name"))


def test_one_statement_answers_for_each_value(
    named: Statement, northbank: Partner, southpay: Partner
) -> None:
    for partner in (northbank, southpay, northbank):
        assert [tuple(row) for row in named.rows(key=partner.key)] == [(partner.pk, partner.name)]
    assert named.rows(key="nobody") == []


@pytest.mark.parametrize("text", ["' OR '1'='1", "%", "%s", "northbank' --", "\\"])
def test_what_fills_a_slot_is_never_read_as_sql(named: Statement, text: str) -> None:
    assert named.rows(key=text) == []


def test_it_is_written_once(
    northbank: Partner, southpay: Partner, django_assert_num_queries: Callable
) -> None:
    built = []

    def queryset():  # type: ignore[no-untyped-def]
        built.append(1)
        return Partner.objects.filter(pk=Slot("pk")).values_list("is_active")

    statement = Statement(queryset)
    with django_assert_num_queries(3):
        for _ in range(3):
            assert [list(row) for row in statement.rows(pk=northbank.pk)] == [[True]]
    assert len(built) == 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite plans in no time")
def test_it_is_planned_once(named: Statement, northbank: Partner) -> None:
    for key in (northbank.key, "nobody"):
        named.rows(key=key)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE %s AND NOT statement LIKE %s",
            ['%FROM "accounts_partner"%"key" = %', "%pg_prepared%"],
        )
        assert cursor.fetchall() == [(2, 0)]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite keeps no plan")
def test_what_others_ask_is_not_prepared(northbank: Partner) -> None:
    for _ in range(10):
        assert Partner.objects.filter(key=northbank.key).exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%1 AS%"]
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's cursors are made anew")
def test_what_was_asked_and_answered_stays_nowhere(
    named: Statement, northbank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw: Any = connection.connection
    assert named.rows(key=northbank.key)
    kept = raw.cursors[named.written.sql]
    assert (kept.pgresult, kept._results, kept._query) == (None, [], None)
    # However many statements there are.
    monkeypatch.setattr(cursors, "MOST_PREPARED", len(raw.cursors))
    first = next(iter(raw.cursors))
    other = Statement(lambda: Partner.objects.filter(key=Slot("key"), pk__gt=0).values_list("pk"))
    assert other.rows(key=northbank.key) == [(northbank.pk,)]
    assert len(raw.cursors) == cursors.MOST_PREPARED
    assert first not in raw.cursors


def _end_the_connection() -> None:
    """As the server does when it is started anew."""
    raw: Any = connection.connection
    pid = raw.info.backend_pid
    with psycopg.connect(raw.info.dsn) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.health_check_done = False  # as each request begins


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server")
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_has_ended_is_made_anew(
    named: Statement, northbank: Partner
) -> None:
    assert named.rows(key=northbank.key)
    _end_the_connection()
    assert [tuple(it) for it in named.rows(key=northbank.key)] == [(northbank.pk, northbank.name)]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no server")
@pytest.mark.django_db(transaction=True)
def test_the_server_is_not_asked_whether_it_is_there(named: Statement, northbank: Partner) -> None:
    here = connections["default"]
    assert named.rows(key=northbank.key)
    with patch.object(here, "is_usable") as asked, patch.object(here, "health_check_enabled", True):
        here.health_check_done = False
        assert named.rows(key=northbank.key)
        with transaction.atomic():
            assert named.rows(key=northbank.key)
    assert not asked.called


@pytest.mark.parametrize("model", [Verification, WebhookEndpoint])
def test_each_kind_of_column_comes_as_from_django(northbank: Partner, model: type[Model]) -> None:
    """JSON, moments, days, texts, numbers, and what is not there."""
    factories.endpoint(northbank)
    rows.row(northbank, "Ünal", deny_reasons=["A", {"ä": None}]).save()
    of_partner = Statement(lambda: model._default_manager.filter(partner=Slot("partner")))
    (ours,), (theirs,) = of_partner.instances(partner=northbank.pk), model._default_manager.all()
    names = [field.attname for field in model._meta.concrete_fields]
    assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
    assert ours.partner_id == northbank.pk


def test_a_slot_that_nothing_fills_is_an_error(named: Statement) -> None:
    with pytest.raises(KeyError):
        named.rows(name="northbank")


def test_moments_are_compared_as_the_column_keeps_them(northbank: Partner) -> None:
    at = datetime(2026, 11, 20, 12, 0, 0, 500, tzinfo=UTC)
    Partner.objects.filter(pk=northbank.pk).update(created_at=at)
    statement = Statement(
        lambda: Partner.objects.filter(
            pk=Slot("pk"), created_at__gte=Slot("at", DateTimeField())
        ).values_list("created_at")
    )
    assert [list(row) for row in statement.rows(pk=northbank.pk, at=at)] == [[at]]
    assert statement.rows(pk=northbank.pk, at=at.replace(microsecond=501)) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3000])
def test_any_number_of_numbers_is_one_parameter(
    northbank: Partner, southpay: Partner, count: int
) -> None:
    statement = Statement(
        lambda: Partner.objects.filter(OneOf(F("pk"), Numbers("keys"))).values_list("pk")
    )
    keys = [northbank.pk, southpay.pk, *range(10_000, 13_000)][:count]
    expected = {northbank.pk, southpay.pk} & set(keys)
    assert {pk for (pk,) in statement.rows(keys=keys)} == expected
    plain = Partner.objects.filter(OneOf(F("pk"), keys))
    assert set(plain.values_list("pk", flat=True)) == expected


@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_so_is_any_number_of_texts(northbank: Partner, southpay: Partner, count: int) -> None:
    statement = Statement(
        lambda: Partner.objects.filter(OneOf(F("key"), Texts("keys"))).values_list("key")
    )
    keys = [northbank.key, southpay.key, *(f"%s ' \\ {{{n}, \"" for n in range(300))][:count]
    expected = {northbank.key, southpay.key} & set(keys)
    assert {key for (key,) in statement.rows(keys=keys)} == expected


def test_instances_are_those_of_the_queryset(ada: User, northbank: Partner) -> None:
    def queryset():  # type: ignore[no-untyped-def]
        rows = ada.memberships.model.objects.filter(partner=Slot("partner"))
        return rows.select_related("partner", "user").annotate(called=F("user__name"))

    (membership,) = Statement(queryset).instances(partner=northbank.pk)
    assert membership == ada.memberships.get()
    assert membership.called == ada.name
    assert not membership._state.adding
    for name, related in (("partner", northbank), ("user", ada)):
        assert membership._state.fields_cache[name] == related
        assert membership._state.fields_cache[name].created_at == related.created_at


def test_what_was_not_asked_for_is_read_when_it_is_named(ada: User, northbank: Partner) -> None:
    members = ada.memberships.model.objects.filter(partner=Slot("partner"))
    brief = Statement(lambda: members.select_related("user").defer("seen_at", "user__name"))
    (membership,) = brief.instances(partner=northbank.pk)
    assert membership.get_deferred_fields() == {"seen_at"}
    assert membership.user.get_deferred_fields() == {"name"}
    assert (membership.user.name, membership.seen_at) == (ada.name, ada.memberships.get().seen_at)


def test_a_relation_that_leads_nowhere_is_none(northbank: Partner) -> None:
    verification = rows.row(northbank, "Ünal")
    verification.save()
    mine = Statement(
        lambda: Verification.objects.filter(pk=Slot("pk")).select_related("partner", "decided_by")
    )
    (ours,) = mine.instances(pk=verification.pk)
    assert ours._state.fields_cache == {"partner": northbank, "decided_by": None}
    ours.name = "Unal"
    ours.save()
    assert Verification.objects.get().name == "Unal"


def test_no_model_of_a_statement_does_anything_when_it_is_made() -> None:
    for model in apps.get_models():
        is_plain = "from_db" not in vars(model) and "__init__" not in vars(model)
        assert is_plain, f"{model.__name__}: accounts.instances would leave that out"
    assert not (pre_init.receivers or post_init.receivers)


@pytest.mark.django_db(transaction=True)
def test_what_locks_asks_within_a_transaction_only(northbank: Partner) -> None:
    statement = Statement(lambda: Partner.objects.filter(pk=Slot("pk")).select_for_update())
    with transaction.atomic():
        assert statement.instances(pk=northbank.pk) == [northbank]
    with pytest.raises(transaction.TransactionManagementError):
        statement.instances(pk=northbank.pk)


def test_constants_are_written_out_and_slots_are_not(northbank: Partner) -> None:
    statement = Statement(
        lambda: Partner.objects.filter(key="northbank", is_active=True, pk=Slot("pk")).values_list(
            "name"
        )
    )
    assert "'northbank'" in statement.written.sql
    assert statement.written.sql.count("%s") == 1
    assert [list(row) for row in statement.rows(pk=northbank.pk)] == [[northbank.name]]


@pytest.mark.parametrize("value", ["it's", "%s", "50%", '"', "\\", "a;b"])
def test_a_constant_that_would_need_quoting_is_not_written_out(
    northbank: Partner, value: str
) -> None:
    Partner.objects.filter(pk=northbank.pk).update(name=value)
    statement = Statement(lambda: Partner.objects.filter(name=value).values_list("pk"))
    assert statement.written.params == [value]
    assert [list(row) for row in statement.rows()] == [[northbank.pk]]
