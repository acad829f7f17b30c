"""The partners of the demo, who works for them, and support. Everyone has the same password."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from accounts import invitations
from accounts.models import Membership, Partner, Plan, PricingModel, Rank, Role, User
from verifications.callbacks import provider
from verifications.models import WebhookEndpoint

PASSWORD = "demo-Passw0rd-2026"  # noqa: S105
CALLBACK_KEY = "demo-callback-key"
SIGNING_KEY = "whsec_ZGVtby1zaWduaW5nLWtleS1vZi1Ob3J0aGJhbmstMDE="
RECEIVER = "Demo receiver"
SUPPORT_GROUP = "Support"

PARTNERS: list[dict[str, Any]] = [
    {
        "key": "northbank",
        "name": "Northbank",
        "plan": Plan.PREMIUM,
        "pricing_model": PricingModel.CHARGE_PER_COMPLETED,
        "may_approve": True,
        "may_deny": True,
        "callback_key": CALLBACK_KEY,
    },
    {
        "key": "southpay",
        "name": "Southpay",
        "plan": Plan.ENTERPRISE,
        "pricing_model": PricingModel.CHARGE_PER_APPROVED,
        "may_approve": True,
        "may_deny": True,
    },
    {
        "key": "eastcredit",
        "name": "Eastcredit",
        "plan": Plan.BASIC,
        "pricing_model": PricingModel.CHARGE_PER_COMPLETED,
        "may_approve": False,
        "may_deny": False,
    },
]
STAFF = [
    ("Ada Lind", "northbank", Rank.ADMIN),
    ("Amos Reed", "northbank", Rank.ADMIN),
    ("Mo Salim", "northbank", Rank.MODERATOR),
    ("Mia Kern", "northbank", Rank.MEMBER),
    ("Vera Bell", "northbank", Rank.VIEWER),
    ("Otto Falk", "southpay", Rank.ADMIN),
    ("Elsa Nord", "eastcredit", Rank.ADMIN),
]


# Whom Ada has invited; the demo's letters are written to the console.
INVITED = ("nia@northbank.example", Rank.MEMBER)


def have_come() -> bool:
    return User.objects.filter(email="ada@northbank.example").exists()


def settle() -> dict[str, Partner]:
    """Writes partners, people and support; gives the partners by key."""
    partners = {each["key"]: Partner.objects.create(**each) for each in PARTNERS}
    # One hash for all: it costs what a sign-in costs.
    hashed = make_password(PASSWORD)
    roles = {role.rank: role for role in Role.objects.all()}
    for name, key, rank in STAFF:
        user = _user(name, f"{key}.example", hashed)
        Membership.objects.create(user=user, partner=partners[key], role=roles[rank])
    sue = _user("Sue Park", "support.example", hashed, is_staff=True)
    sue.groups.add(Group.objects.get_or_create(name=SUPPORT_GROUP)[0])
    _invite(partners["northbank"], roles)
    return partners


def _invite(partner: Partner, roles: dict[int, Role]) -> None:
    """Without a letter: “Send again” on the team page writes one with a link."""
    email, rank = INVITED
    ada = User.objects.get(email="ada@northbank.example")
    invitations.ask(partner, email, roles[rank], actor=ada)


def _user(name: str, host: str, hashed: str, **fields: bool) -> User:
    email = f"{name.split()[0].lower()}@{host}"
    return User.objects.create(email=email, name=name, password=hashed, **fields)


def listen(partner: Partner, port: int) -> WebhookEndpoint:
    """Lets the demo's own receiver hear all that is sent from now on."""
    endpoint = WebhookEndpoint(
        partner=partner,
        name=RECEIVER,
        address=_receiver(port),
        events=[event for event in provider.EVENTS if event != "IDENTIFICATION"],
    )
    endpoint.signing_key = SIGNING_KEY
    endpoint.save()
    return endpoint


def follow(port: int) -> None:
    """Started again under another port, the demo's receiver is found there."""
    ours = WebhookEndpoint.objects.filter(partner__key="northbank", name=RECEIVER)
    ours.exclude(address=_receiver(port)).update(address=_receiver(port))


def _receiver(port: int) -> str:
    return f"http://localhost:{port}/demo/receiver/inbox/"
