"""Partners, people and bodies for tests, without fixtures: for threads and processes too."""

import io
import json
import re
import time
from datetime import timedelta
from typing import Any

import factory
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import Group
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts import invitations, letters
from accounts.models import Invitation, Letter, Membership, Partner, Plan, PricingModel, Role, User
from verifications import saved_views, vault
from verifications.callbacks import provider
from verifications.models import DeliveryState, Photo, PhotoState, SavedView, WebhookEndpoint

PASSWORD = "demo-Passw0rd-2026"
EVENTS = {"05": "IDENTIFICATION_EXPIRED", "06": "IDENTIFICATION_CANCELLED"}
EVENTS |= {"14": "IDENTIFICATION_MANUAL_FINISHED", "15": "IDENTIFICATION_MANUAL_FINISHED"}
EVENTS |= {"21": "IDENTIFICATION", "22": "IDENTIFICATION_RESUBMITTED", "24": "DOCUMENT_EXPIRATION"}


class PartnerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Partner
        django_get_or_create = ("key",)

    key = factory.Sequence(lambda n: f"partner-{n}")
    name = factory.LazyAttribute(lambda partner: partner.key.title())
    plan = Plan.PREMIUM
    pricing_model = PricingModel.CHARGE_PER_COMPLETED
    may_approve = True
    may_deny = True
    callback_key = factory.LazyAttribute(lambda partner: f"key-of-{partner.key}")


class NorthbankFactory(PartnerFactory):
    key = "northbank"


class SouthpayFactory(PartnerFactory):
    key = "southpay"
    plan = Plan.ENTERPRISE
    pricing_model = PricingModel.CHARGE_PER_APPROVED


class EastcreditFactory(PartnerFactory):
    key = "eastcredit"
    plan = Plan.BASIC
    may_approve = False
    may_deny = False


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        django_get_or_create = ("email",)

    name = factory.Sequence(lambda n: f"Person {n}")
    email = factory.LazyAttribute(lambda u: f"{u.name.split()[0].lower()}@partner.example")
    password = factory.django.Password(PASSWORD)


def person(name: str, partner: Partner, rank: int) -> User:
    email = f"{name.split()[0].lower()}@{partner.key}.example"
    user = UserFactory(name=name, email=email)
    role = Role.objects.get(rank=rank)
    Membership.objects.get_or_create(user=user, partner=partner, defaults={"role": role})
    return user


def superuser(name: str) -> User:
    """One who has been so for long: who is new is no second person."""
    email, long_ago = f"{name.lower()}@support.example", timezone.now() - timedelta(days=30)
    return User.objects.create_superuser(email, name=name, created_at=long_ago)


def support(name: str) -> User:
    email = f"{name.split()[0].lower()}@support.example"
    user = UserFactory(name=name, email=email, is_staff=True)
    user.groups.add(Group.objects.get(name="Support"))
    return user


def sign_in(client: Client, user: User) -> None:
    """As by the form just now: who it is was proven a moment ago."""
    client.force_login(user)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


def second_factor(user: User) -> Authenticator:
    return TOTP.activate(user, "JBSWY3DPEHPK3PXP").instance


def membership(user: User) -> Membership:
    """The only membership of this user, with all that the policy looks at."""
    return Membership.objects.select_related("user", "partner", "role").get(user=user)


def body(sample: str, **changes: Any) -> dict[str, Any]:
    """A sample body by the start of its file name; `status` and `data` are merged, not replaced."""
    (path,) = (provider.WIRE / "samples").glob(f"{sample}-*.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        merges = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = {**result[key], **value} if merges else value
    return result


def store(photo: Photo, content: bytes, content_type: str = "image/jpeg") -> Photo:
    """Our own copy of the picture, where the settings say."""
    sealed = ContentFile(vault.sealed(photo, content, "file"))
    photo.file_name = storages["photos"].save(f"{photo.pk}.sealed", sealed)
    photo.state, photo.content_type = PhotoState.STORED, content_type
    photo.save()
    return photo


def jpeg(colour: str = "grey", size: tuple[int, int] = (300, 200), comment: bytes = b"") -> bytes:
    """A picture as our own storage holds it."""
    drawn = io.BytesIO()
    Image.new("RGB", size, colour).save(drawn, "JPEG", quality=90, comment=comment)
    return drawn.getvalue()


def sample(number: str, *, event: str = "", **changes: Any) -> tuple[str, bytes]:
    """Event and raw bytes of a sample, unchanged to the byte where nothing is changed."""
    event = event or EVENTS.get(number, "IDENTIFICATION_AUTO_FINISHED")
    if changes:
        return event, json.dumps(body(number, **changes), ensure_ascii=False).encode()
    (path,) = (provider.WIRE / "samples").glob(f"{number}-*.json")
    return event, path.read_bytes()


def role(rank: int) -> Role:
    return Role.objects.get(rank=rank)


def join(user: User, partner: Partner, rank: int) -> Membership:
    return Membership.objects.create(user=user, partner=partner, role=role(rank))


def saved_view(user: User, name: str = "Denied", query: str = "status=DENIED") -> SavedView:
    return saved_views.save(membership(user), name, query)


def invitation(
    partner: Partner, actor: User, email: str = "nia@new.example", rank: int = 10
) -> Invitation:
    """An open one; its letter waits to be sent."""
    return invitations.invite(partner, email, role(rank), actor=actor, link=_link)


def _link(token: str) -> str:
    return f"http://testserver{reverse('invitation', args=[token])}"


def sent() -> list[mail.EmailMessage]:
    """All that went out, after the worker has sent what waits, however long that would be."""
    Letter.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    while letters.send_due():
        pass
    return list(mail.outbox)


def newest_link() -> str:
    """Where the newest letter of an invitation leads, without the host."""
    found = re.search(r"/accounts/invitation/[A-Za-z0-9_-]{43}/", str(sent()[-1].body))
    assert found
    return found[0]


def in_state(state: str) -> dict[str, Any]:
    """What a delivery holds that stands there."""
    return {"state": state, "settled_at": None if state == DeliveryState.WAITING else Now()}


def endpoint(partner: Partner, **fields: Any) -> WebhookEndpoint:
    """An address of the partner that wants to hear of every decision."""
    return WebhookEndpoint.objects.create(
        **{
            "partner": partner,
            "name": "Main",
            "address": "https://hooks.partner.example/idv",
            "events": ["IDENTIFICATION_MANUAL_FINISHED"],
        }
        | fields
    )
