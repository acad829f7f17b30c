"""The cast, and how bodies come in. Everyone's password is PASSWORD."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.template.backends import jinja2
from django.test import Client, TransactionTestCase
from django.test.signals import template_rendered

from accounts import guards
from accounts.models import Partner, User
from tests import factories
from tests.bench import elsewhere
from verifications.callbacks import intake, provider
from verifications.models import Verification

PASSWORD = factories.PASSWORD
SAMPLES = provider.WIRE / "samples"
BAD = Path(__file__).parent / "payloads" / "bad"
MANIFEST = json.loads((BAD.parent / "manifest.json").read_text(encoding="utf-8"))


# Transactional tests empty all tables: the guards would refuse, and what migrations seeded would
# be gone. Both are put back.
def _empty_and_seed_again(self: TransactionTestCase) -> None:
    guards.lift(connection)
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    kept = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
    kept |= {"accounts_role", "verifications_rejectionreason"}
    connection.check_constraints()
    _empty([table for table in tables if table not in kept])
    cache.clear()
    guards.install(connection)


def _empty(tables: list[str]) -> None:
    """Row by row: PostgreSQL truncates no table that one which is kept points to."""
    with (
        connection.constraint_checks_disabled(),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM verifications_rejectionreason WHERE partner_id IS NOT NULL")
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608


TransactionTestCase._fixture_teardown = _empty_and_seed_again  # type: ignore[method-assign]

_draw = jinja2.Template.render


def _draw_and_tell(
    self: jinja2.Template, context: dict[str, Any] | None = None, request: Any = None
) -> str:
    """Django tells its test client only of its own templates what they were drawn from."""
    context = {} if context is None else context
    drawn = _draw(self, context, request)
    template_rendered.send(sender=self, template=self, context=context)
    return drawn


jinja2.Template.render = _draw_and_tell  # type: ignore[method-assign]


@pytest.fixture
def northbank(db: None) -> Partner:
    return factories.NorthbankFactory()


@pytest.fixture
def southpay(db: None) -> Partner:
    return factories.SouthpayFactory()


@pytest.fixture
def eastcredit(db: None) -> Partner:
    return factories.EastcreditFactory()


@pytest.fixture
def ada(northbank: Partner) -> User:
    """Admin at Northbank."""
    return factories.person("Ada Lind", northbank, 40)


@pytest.fixture
def amos(northbank: Partner) -> User:
    """The other Admin at Northbank."""
    return factories.person("Amos Reed", northbank, 40)


@pytest.fixture
def mo(northbank: Partner) -> User:
    """Moderator at Northbank."""
    return factories.person("Mo Salim", northbank, 30)


@pytest.fixture
def mia(northbank: Partner) -> User:
    """Member at Northbank."""
    return factories.person("Mia Kern", northbank, 20)


@pytest.fixture
def vera(northbank: Partner) -> User:
    """Viewer at Northbank."""
    return factories.person("Vera Bell", northbank, 10)


@pytest.fixture
def otto(southpay: Partner) -> User:
    """Admin at Southpay: the outsider."""
    return factories.person("Otto Falk", southpay, 40)


@pytest.fixture
def elsa(eastcredit: Partner) -> User:
    """Admin at Eastcredit, where support has switched both flags off."""
    return factories.person("Elsa Nord", eastcredit, 40)


@pytest.fixture
def sue(db: None) -> User:
    """Our support."""
    return factories.support("Sue Park")


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A browser in which somebody is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        factories.sign_in(client, user)
        return client

    return sign_in


@pytest.fixture
def body() -> Callable[..., dict[str, Any]]:
    """A sample body by the start of its file name, with changes: body("07", clientId="x")."""
    return factories.body


@pytest.fixture
def receive(northbank: Partner) -> Callable[..., Verification]:
    """Brings a sample in through the real intake and gives its verification."""

    def receive(sample: str = "01", partner: Partner = northbank, **changes: Any) -> Verification:
        event, raw = factories.sample(sample, **changes)
        receipt = intake.receive(partner, event, raw)
        assert receipt.is_accepted
        assert receipt.callback.verification
        return Verification.objects.get(pk=receipt.callback.verification.pk)

    return receive


@pytest.fixture
def approved(receive: Callable[..., Verification]) -> Verification:
    return receive("01")


@pytest.fixture
def denied(receive: Callable[..., Verification]) -> Verification:
    return receive("03")


@pytest.fixture
def suspected(receive: Callable[..., Verification]) -> Verification:
    """APPROVED + suspected, for two mismatch tags: it needs a decision."""
    return receive("07")


@pytest.fixture
def reviewing(receive: Callable[..., Verification]) -> Verification:
    return receive("25")


@pytest.fixture
def expired(receive: Callable[..., Verification]) -> Verification:
    return receive("05")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database that was kept from an earlier run gets today's guards."""
    with django_db_blocker.unblock():
        guards.install(connection)
    yield


@pytest.fixture(scope="session")
def _hundred_thousand(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock(), elsewhere.beside(100_000):
        pass


@pytest.fixture
def hundred_thousand(
    db: None, _hundred_thousand: None, django_db_blocker: Any
) -> Iterator[Partner]:
    """The largest of 50 partners; the default connection is at 100,000 seeded rows meanwhile.

    Its staff sign in as bea@bench-01.example (Admin) and so on. What a test writes is taken back.
    For slow tests: it is built once in half a minute, and kept until migrations change.
    """
    with django_db_blocker.unblock(), elsewhere.beside(100_000), transaction.atomic():
        yield Partner.objects.get(key="bench-01")
        transaction.set_rollback(True)
