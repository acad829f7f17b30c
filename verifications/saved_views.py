"""The views of the list that people save for themselves.

A preference, as a theme is: the audit log does not tell of it.
"""

from collections.abc import Iterable

from django.db import transaction

from accounts.models import Membership
from verifications.models import SavedView
from verifications.models.saved_view import MOST, folded

PLACES = range(1, MOST + 1)


class Taken(Exception):
    """One of mine stands in the way."""

    def __init__(self, view: SavedView) -> None:
        super().__init__(view.name)
        self.view = view


class NameTaken(Taken):
    pass


class AskedAlready(Taken):
    pass


class TooMany(Exception):
    pass


class Gone(Exception):
    """It was deleted meanwhile."""


def find(memberships: Iterable[Membership], pk: int) -> SavedView | None:
    return SavedView.objects.filter(pk=pk, membership__in=memberships).first()


@transaction.atomic
def save(membership: Membership, name: str, query: str) -> SavedView:
    """The same twice saves one. Raises NameTaken, AskedAlready or TooMany."""
    mine = _locked(membership)
    for view in mine:
        if (view.folded, view.query) == (folded(name), query):
            return view
    _keep_apart(mine, name, query)
    free = [place for place in PLACES if place not in {view.place for view in mine}]
    if not free:
        raise TooMany
    return SavedView.objects.create(membership=membership, name=name, query=query, place=free[0])


@transaction.atomic
def rename(membership: Membership, pk: int, name: str) -> SavedView:
    """Raises Gone or NameTaken."""
    return _change(membership, pk, name=name)


@transaction.atomic
def replace(membership: Membership, pk: int, query: str) -> SavedView:
    """From now on it asks that. Raises Gone or AskedAlready."""
    return _change(membership, pk, query=query)


def delete(membership: Membership, pk: int) -> None:
    SavedView.objects.filter(membership=membership, pk=pk).delete()


def _change(membership: Membership, pk: int, **fields: str) -> SavedView:
    mine = {view.pk: view for view in _locked(membership)}
    view = mine.pop(pk, None)
    if view is None:
        raise Gone
    _keep_apart(mine.values(), **fields)
    for field, value in fields.items():
        setattr(view, field, value)
    view.save()
    return view


def _locked(membership: Membership) -> list[SavedView]:
    """Mine, and nobody changes them meanwhile."""
    Membership.objects.select_for_update().filter(pk=membership.pk).first()
    return list(SavedView.objects.filter(membership=membership))


def _keep_apart(others: Iterable[SavedView], name: str = "", query: str = "") -> None:
    for view in others:
        if view.folded == folded(name):
            raise NameTaken(view)
        if view.query == query:
            raise AskedAlready(view)
