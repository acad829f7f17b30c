"""From a former master key to today's: keys and secrets are wrapped anew, and nothing else.

Batch by batch, each row only where it still holds what was read: it may be broken off and run
again, while the program runs.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from django.db import models, transaction

from accounts import lone, sealing
from accounts.adapter import SecondFactorAdapter
from accounts.models import Letter, Partner
from verifications import vault
from verifications.models import DataKey, WebhookEndpoint

BATCH = 500
KEEPERS: tuple[type[lone.Keeper], ...] = (Letter, Partner, WebhookEndpoint)


@dataclass
class Done:
    """`shut` names what opens under none of the master keys."""

    keys: int = 0
    secrets: int = 0
    already: int = 0
    shut: list[str] = field(default_factory=list)


def rotate() -> Done:
    done = Done()
    present = sealing.masters()[0]
    done.already = DataKey.objects.filter(master=present).count()
    _keys(done, present)
    for model in KEEPERS:
        for row in model._default_manager.order_by("pk").iterator(BATCH):
            for secret in lone.secrets_of(model):
                _secret(done, present, row, secret)
    for factor in Authenticator.objects.order_by("pk").iterator(BATCH):
        _factor(done, present, factor.pk)
    return done


def _keys(done: Done, present: str) -> None:
    last = None
    former = DataKey.objects.exclude(master=present).order_by("pk")
    while batch := list((former.filter(pk__gt=last) if last is not None else former)[:BATCH]):
        last = batch[-1].pk
        with transaction.atomic():
            for row in batch:
                owner = vault.Owner(row.partner_id, row.owner)
                place = vault.place_of_key(owner)
                try:
                    wrapped = sealing.wrap(sealing.unwrap(bytes(row.wrapped), place), place)
                except sealing.DoesNotOpen:
                    done.shut.append(f"data key {row.pk}")
                    continue
                same = DataKey.objects.filter(pk=row.pk, master=row.master)
                done.keys += same.update(wrapped=wrapped, master=present)


def _secret(done: Done, present: str, row: models.Model, secret: lone.Secret) -> None:
    former = bytes(getattr(row, secret.column))
    if not former:
        return
    if sealing.master_of(former) == present:
        done.already += 1
        return
    try:
        secret.__set__(row, secret.__get__(row))
    except sealing.DoesNotOpen:
        done.shut.append(f"{secret.column} of {row._meta.label} {row.pk}")
        return
    same = type(row)._default_manager.filter(pk=row.pk, **{secret.column: former})
    done.secrets += same.update(**{secret.column: getattr(row, secret.column)})


@transaction.atomic
def _factor(done: Done, present: str, pk: int) -> None:
    factor = Authenticator.objects.select_for_update().filter(pk=pk).first()
    if factor is None:
        return
    before = done.secrets
    for name, value in _wrapped(factor.data):
        if sealing.master_of(value) == present:
            done.already += 1
            continue
        try:
            text = sealing.unwrap(value, SecondFactorAdapter.PLACE).decode()
        except sealing.DoesNotOpen:
            done.shut.append(f"{name} of second step {pk}")
            continue
        factor.data[name] = SecondFactorAdapter().encrypt(text)
        done.secrets += 1
    if done.secrets > before:
        factor.save(update_fields=["data"])


def _wrapped(data: dict[str, object]) -> Iterator[tuple[str, bytes]]:
    for name in ("secret", "seed"):
        if isinstance(text := data.get(name), str):
            try:
                yield name, base64.b64decode(text, validate=True)
            except binascii.Error:
                yield name, b""
