"""Letters of invitations: sent again with another link, and not without end."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from unittest import mock

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import invitations
from accounts.models import Invitation, Letter, Partner, User
from tests import factories
from tests.accounts.test_invitations import JOIN, NIA, browser, invite, link, send_again
from tests.accounts.test_letters import REFUSED, failing

__all__ = ["browser", "link"]

SignIn = Callable[[User], Client]
TWO = "two@new.example"
LIMIT = f"{invitations.MOST_A_DAY} invitations within 24 hours are the limit: try again later."


def test_one_address_is_invited_once_and_sent_again(browser: Client, link: str) -> None:
    answer = browser.post("/team/invite/", {"email": NIA.upper(), "role": factories.role(40).pk})
    assert answer.status_code == 422
    assert "Is invited already" in answer.content.decode()
    send_again(browser)
    assert factories.newest_link() != link
    assert Client().get(link).status_code == 404
    assert Client().get(factories.newest_link()).status_code == 200


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (None, ""),
        (SMTPServerDisconnected(), "E-mail not sent yet; we keep trying"),
        (REFUSED, "E-mail could not be sent"),
    ],
    ids=["gone", "waits", "given up"],
)
def test_the_page_says_what_became_of_a_letter(
    browser: Client, ada: User, northbank: Partner, trouble: Exception | None, said: str
) -> None:
    factories.invitation(northbank, ada, NIA)
    assert "E-mail on its way" in browser.get("/team/").content.decode()
    with failing(trouble) if trouble else nullcontext():
        factories.sent()
    page = browser.get("/team/").content.decode()
    assert "E-mail on its way" not in page
    assert said in page
    assert ("E-mail" in page.split("Link works until")[-1]) == bool(said)
    send_again(browser)
    factories.sent()
    assert len(mail.outbox) == 1 + (not trouble)
    assert said == "" or said not in browser.get("/team/").content.decode()


@pytest.mark.parametrize("ends", ["revoke", "accept", "send again"])
def test_a_letter_whose_link_has_ended_is_not_sent(
    browser: Client, ada: User, northbank: Partner, client: Client, ends: str
) -> None:
    asked = factories.invitation(northbank, ada, NIA)
    before = Letter.objects.get()
    if ends == "revoke":
        invitations.revoke(asked, actor=ada)
    elif ends == "accept":
        link = before.content["body"].split("http://testserver")[1].split()[0]
        assert client.post(link, JOIN).status_code == 302
    else:
        send_again(browser)
    assert not Letter.objects.filter(pk=before.pk).exists()
    assert len(factories.sent()) == (ends == "send again")


def test_a_partner_sends_no_letters_without_end(browser: Client, northbank: Partner) -> None:
    with mock.patch.object(invitations, "MOST", 2):
        invite(browser, "one@new.example")
        invite(browser, "two@new.example")
        answer = browser.post(
            "/team/invite/", {"email": "three@new.example", "role": factories.role(10).pk}
        )
    assert answer.status_code == 422
    assert len(factories.sent()) == 2


def test_one_invitation_is_sent_again_once_a_minute(browser: Client, link: str) -> None:
    assert f"Wait a minute between two e-mails to {NIA}." in send_again(browser, after=58)
    assert Client().get(link).status_code == 200
    assert "Sent again" in send_again(browser, after=60)
    assert len(factories.sent()) == 2


@pytest.mark.usefixtures("link")
def test_who_is_revoked_and_invited_again_gets_a_letter_a_minute(
    browser: Client, ada: User
) -> None:
    invitations.revoke(Invitation.objects.get(), actor=ada)
    again = browser.post("/team/invite/", {"email": NIA, "role": factories.role(10).pk})
    assert again.status_code == 422
    assert f"Wait a minute between two e-mails to {NIA}." in again.content.decode()
    assert len(factories.sent()) == 1


@pytest.mark.usefixtures("link")
def test_letters_of_a_day_are_counted_whatever_was_revoked(
    as_user: SignIn, browser: Client, ada: User
) -> None:
    with mock.patch.object(invitations, "MOST_A_DAY", 2):
        assert "Sent again" in send_again(browser)
        assert LIMIT in send_again(browser, after=120)
        assert Client().get(factories.newest_link()).status_code == 200
        invitations.revoke(Invitation.objects.get(), actor=ada)
        fields = {"email": TWO, "role": factories.role(10).pk}
        answer = as_user(ada).post("/team/invite/", fields)
    assert answer.status_code == 422
    assert LIMIT in answer.content.decode()
    assert len(factories.sent()) == 2


def test_letters_of_other_partners_and_of_yesterday_are_not_counted(
    as_user: SignIn, ada: User, otto: User, northbank: Partner, southpay: Partner
) -> None:
    with mock.patch.object(invitations, "MOST_A_DAY", 1):
        with time_machine.travel(timezone.now() - timedelta(days=1, seconds=1), tick=False):
            invite(as_user(ada))
        invite(as_user(otto), TWO)
        invite(as_user(ada), TWO)
        with pytest.raises(invitations.TooManyToday):
            factories.invitation(northbank, ada, "three@new.example")
