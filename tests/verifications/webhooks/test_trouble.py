"""Admins hear of webhooks that do not arrive, once a day."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import Partner, User
from tests import factories
from verifications import chores
from verifications.models import Verification, WebhookDelivery
from verifications.webhooks import outbox, trouble

Receive = Callable[..., Verification]


@pytest.fixture
def troubled(northbank: Partner, receive: Receive) -> WebhookDelivery:
    factories.endpoint(northbank, events=["IDENTIFICATION_AUTO_FINISHED"])
    receive("01")
    WebhookDelivery.objects.update(attempts=3)
    return WebhookDelivery.objects.get()


def test_admins_are_told_and_nobody_else(
    ada: User, amos: User, mo: User, otto: User, troubled: WebhookDelivery
) -> None:
    assert trouble.tell_admins() == 2
    assert [letter.to for letter in factories.sent()] == [[ada.email], [amos.email]]
    for letter in factories.sent():
        assert "1 webhook to Northbank" in letter.body


def test_a_letter_names_no_applicant(ada: User, troubled: WebhookDelivery) -> None:
    trouble.tell_admins()
    assert troubled.verification
    for word in (troubled.verification.name, troubled.verification.scan_ref):
        assert word not in factories.sent()[0].body


def test_a_test_that_fails_is_no_trouble(ada: User, northbank: Partner) -> None:
    outbox.queue_test(factories.endpoint(northbank))
    WebhookDelivery.objects.update(attempts=3)
    assert trouble.tell_admins() == 0


def test_where_all_arrives_nobody_is_written_to(ada: User, troubled: WebhookDelivery) -> None:
    WebhookDelivery.objects.update(state="delivered", settled_at=timezone.now())
    assert trouble.tell_admins() == 0
    assert not factories.sent()


def test_an_endpoint_that_was_switched_off_is_named(ada: User, northbank: Partner) -> None:
    why = "It answered 410."
    factories.endpoint(northbank, name="Old system", is_active=False, switched_off_why=why)
    trouble.tell_admins()
    assert '"Old system" is switched off: It answered 410.' in factories.sent()[0].body


def test_an_endpoint_that_staff_paused_is_not_trouble(ada: User, northbank: Partner) -> None:
    factories.endpoint(northbank, is_active=False)
    assert trouble.tell_admins() == 0


def test_the_letter_comes_once_a_day(ada: User, troubled: WebhookDelivery) -> None:
    chores.run_due()
    chores.run_due()
    assert len(factories.sent()) == 1


def test_a_chore_that_fails_keeps_none_of_the_others_waiting(
    ada: User, troubled: WebhookDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = chores.CHORES[0]._replace(do=lambda: 1 / 0)
    monkeypatch.setattr(chores, "CHORES", (broken, *chores.CHORES[1:]))
    with pytest.raises(ZeroDivisionError):
        chores.run_due()
    assert chores.run_due() == len(chores.CHORES) - 1
