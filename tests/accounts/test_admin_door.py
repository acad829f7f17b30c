"""The door of Django admin: who passes, what it offers, and what no request may ask of it."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.models import (
    AuditEntry,
    Membership,
    Partner,
    RightsRequest,
    Role,
    User,
)
from accounts.support import CappedPaginator
from tests import factories
from verifications.models import (
    Decision,
    ProviderCallback,
    RejectionReason,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)

SignIn = Callable[[User], Client]
HISTORY = (
    AuditEntry,
    Decision,
    ProviderCallback,
    RightsRequest,
    Verification,
    WebhookAttempt,
    WebhookDelivery,
)
EDITED = (Membership, Partner, RejectionReason, Role, User, WebhookEndpoint)
REGISTERED = (*HISTORY, *EDITED)


def page(model: type, name: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.fixture
def superuser(db: None) -> User:
    return User.objects.create_superuser("root@support.example", factories.PASSWORD, name="Root")


@pytest.fixture
def support(as_user: SignIn, sue: User) -> Client:
    return as_user(sue)


def test_only_our_own_classes_are_registered() -> None:
    assert set(admin.site._registry) == set(REGISTERED)


def test_who_is_not_signed_in_is_sent_to_the_one_sign_in_page(client: Client, db: None) -> None:
    answer = client.get("/admin/accounts/partner/?is_active__exact=1")
    assert answer.status_code == 302
    answer = client.get("/admin/login/?next=/admin/accounts/partner/")
    assert answer.url == "/accounts/login/?next=%2Fadmin%2Faccounts%2Fpartner%2F"
    assert client.get("/admin/login/").url == "/accounts/login/?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


@pytest.mark.parametrize("path", ["", "login/", "logout/", "password_change/", "nothing/"])
def test_staff_of_partners_find_nothing(as_user: SignIn, ada: User, path: str) -> None:
    assert as_user(ada).get(f"/admin/{path}").status_code == 404


@pytest.mark.parametrize("model", REGISTERED)
def test_staff_of_partners_find_no_list_and_no_form(
    as_user: SignIn, ada: User, model: type
) -> None:
    client = as_user(ada)
    for address in (page(model), page(model, "add"), page(model, "change", "1")):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404


def test_being_staff_is_not_enough_without_the_group(as_user: SignIn, sue: User) -> None:
    sue.groups.clear()
    assert as_user(sue).get("/admin/").status_code == 404


def test_the_group_is_not_enough_without_being_staff(as_user: SignIn, ada: User) -> None:
    ada.groups.add(Group.objects.get(name="Support"))
    assert as_user(ada).get("/admin/").status_code == 404


def test_leaving_the_group_ends_the_next_request(support: Client, sue: User) -> None:
    assert support.get("/admin/").status_code == 200
    sue.groups.clear()
    assert support.get("/admin/").status_code == 404


def test_a_superuser_needs_no_group(as_user: SignIn, superuser: User) -> None:
    assert as_user(superuser).get("/admin/").status_code == 200


@pytest.mark.parametrize("model", REGISTERED)
def test_support_opens_every_list(support: Client, model: type) -> None:
    assert support.get(page(model)).status_code == 200
    assert support.get(f"{page(model)}?q=x").status_code == 200


@pytest.mark.parametrize("path", ["logout/", "password_change/", "password_change/done/"])
def test_accounts_are_looked_after_in_one_place(support: Client, path: str) -> None:
    answer = support.get(f"/admin/{path}")
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/")


@pytest.mark.parametrize("path", ["autocomplete/", "r/1/1/", "r/abc/1/", "auth/group/"])
def test_what_is_not_used_is_not_there(support: Client, path: str) -> None:
    assert support.get(f"/admin/{path}").status_code == 404


@pytest.mark.parametrize("model", HISTORY)
def test_history_cannot_be_added_to(support: Client, model: type) -> None:
    assert support.get(page(model, "add")).status_code == 403
    assert support.post(page(model, "add"), {}).status_code == 403


BAD_QUERIES = (
    "e=1",
    "password__startswith=p",
    "partner__callback_key__startswith=a",
    "name__startswith=A",
    "dob__year=10000",
    "raw__a=b",
    "status__exact=%00",
    "q=%00",
    "q=" + "x+" * 2000,
    "_to_field=",
    "_to_field=password",
    "_popup=1",
    "id__in=1,2",
    "partner__id__exact=abc",
    "is_active__exact=7",
    "no_such_field=1",
    "_connector=OR",
)


@pytest.mark.parametrize("model", REGISTERED)
def test_a_list_refuses_what_it_does_not_offer(support: Client, model: type) -> None:
    answers = {query: support.get(f"{page(model)}?{query}").status_code for query in BAD_QUERIES}
    assert answers == dict.fromkeys(BAD_QUERIES, 400)


ODD_QUERIES = ("o=abc", "o=99.-1", "o=" + "9" * 3000, "all=", "p=abc", "p=" + "9" * 30, "q=%F0")


@pytest.mark.parametrize("model", REGISTERED)
def test_an_odd_order_or_page_is_no_fault(support: Client, model: type) -> None:
    answers = {query: support.get(f"{page(model)}?{query}").status_code for query in ODD_QUERIES}
    assert set(answers.values()) <= {200, 400}, answers


@pytest.mark.parametrize("model", REGISTERED)
def test_a_search_is_as_long_as_its_field_takes(support: Client, model: type) -> None:
    longest = "x " * 100
    answer = support.get(page(model), {"q": longest})
    assert answer.status_code == 200
    if answer.context["cl"].search_fields:
        assert f'maxlength="{len(longest)}"' in answer.content.decode()
    assert support.get(page(model), {"q": f"{longest}x"}).status_code == 400


BAD_KEYS = ("abc", "1_0", "0", "-1", "1e25", "9" * 5000, "9" * 25, "１", "%00", "1/2", "_5F")


@pytest.mark.parametrize("name", ["change", "delete", "history"])
@pytest.mark.parametrize("model", REGISTERED)
def test_a_key_that_is_none_finds_nothing(support: Client, model: type, name: str) -> None:
    address = page(model, name, "KEY")
    answers = {key: support.get(address.replace("KEY", key)).status_code for key in BAD_KEYS}
    assert answers == {key: 400 if key == "%00" else 404 for key in BAD_KEYS}
    posted = {support.post(address.replace("KEY", key)).status_code for key in BAD_KEYS}
    assert posted <= {400, 403, 404}


BAD_ACTIONS = (
    {"action": "read_again", "index": "0", "_selected_action": "abc"},
    {"action": "read_again", "index": "0", "_selected_action": "1e25"},
    {"action": "read_again", "index": "0", "_selected_action": "\0"},
    {"action": "read_again", "index": "0", "_selected_action": "9" * 5000},
    {"action": "read_again", "index": "0", "_selected_action": "1", "select_across": "1"},
    {"action": "read_again", "index": "abc", "_selected_action": "1"},
    {"action": "read_again", "index": "9" * 5000, "_selected_action": "1"},
    {"action": "no_such_action", "index": "0", "_selected_action": "1"},
    {"action": "delete_selected", "index": "0", "_selected_action": "1"},
    {"action": "", "index": "0", "_selected_action": "1"},
    {"_to_field": "", "_selected_action": "1"},
    {"_save": "Save"},
    {},
)


@pytest.mark.parametrize("model", REGISTERED)
def test_an_action_that_cannot_be_read_is_refused(support: Client, model: type) -> None:
    answers = [support.post(page(model), fields).status_code for fields in BAD_ACTIONS]
    assert answers == [400] * len(BAD_ACTIONS)


@pytest.mark.parametrize("model", EDITED)
def test_an_empty_form_comes_back(support: Client, model: type) -> None:
    expected = 403 if model is WebhookEndpoint else 422
    assert support.post(page(model, "add"), {}).status_code == expected


@pytest.mark.parametrize("field", ["_to_field", "_popup", "_saveasnew"])
def test_a_form_refuses_features_that_are_not_used(
    support: Client, northbank: Partner, field: str
) -> None:
    address = page(Partner, "change", northbank.pk)
    assert support.post(address, {field: ""}).status_code == 400
    assert support.get(f"{address}?{field}=").status_code == 400


def test_a_list_counts_no_further_than_it_pages(
    support: Client, django_assert_max_num_queries: Callable
) -> None:
    """No COUNT over a whole table: the count stands over a limited number of rows."""
    User.objects.bulk_create(
        User(email=f"{n}@many.example", name="Many") for n in range(CappedPaginator.most + 10)
    )
    with django_assert_max_num_queries(20) as queries:
        answer = support.get(page(User))
    counts = [it["sql"] for it in queries if "COUNT(" in it["sql"]]
    assert len(counts) == 1
    assert f"LIMIT {CappedPaginator.most}" in counts[0]
    assert b"The first 1000" in answer.content
    assert support.get(page(User) + "?p=10").status_code == 200
    assert support.get(page(User) + "?p=11").status_code == 400


@pytest.mark.parametrize("answer", ["abc", "-1", "1e3", "9" * 40, ""])
def test_a_filter_takes_only_answers_that_it_offers(support: Client, answer: str) -> None:
    for query in (f"role__id__exact={answer}", f"is_active__exact={answer}"):
        assert support.get(f"{page(Membership)}?{query}").status_code == 400
    assert support.get(f"{page(Membership)}?is_active__exact=1").status_code == 200
