"""Django's sessions in the database. One statement brings a session, its user, and for whom that
user works: every request needs all of it.
"""

from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import DateTimeField, FilteredRelation, Q
from django.utils import timezone

from accounts.models.people import Membership, Partner, Role, User
from accounts.statements import Part, Slot, Statement


class Session(AbstractBaseSession):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )

    @classmethod
    def get_session_store_class(cls) -> type["SessionStore"]:
        return SessionStore


@cache
def _parts() -> tuple[Part, Part, Part, Part]:
    user = Part(User, "user", start=1)
    work = Part(Membership, "work", start=user.end)
    partner = Part(Partner, "work__partner", start=work.end)
    return user, work, partner, Part(Role, "work__role", start=partner.end)


def _loaded() -> models.QuerySet:
    # Not Membership.objects.active(): that of the user is seen to by whoever asks for them.
    work = FilteredRelation("user__memberships", condition=Q(user__memberships__is_active=True))
    standing = Session.objects.annotate(work=work).filter(
        session_key=Slot("key"), expire_date__gt=Slot("now", DateTimeField())
    )
    return standing.values_list("session_data", *(path for it in _parts() for path in it.paths))


LOADED = Statement(_loaded)


class SessionStore(db.SessionStore):
    # As they were loaded. Whether this user is still signed in is not said here.
    user: User | None = None
    memberships: tuple[Membership, ...] = ()

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session: Any = super().create_model_instance(data)
        session.user_id = data.get(SESSION_KEY)
        return session

    def load(self) -> dict[str, Any]:
        rows = LOADED.rows(key=self.session_key, now=timezone.now())
        if not rows:
            self._session_key = None
            return {}
        user, *_ = _parts()
        self.user = user.made(rows[0])
        self.memberships = tuple(filter(None, map(_membership, rows)))
        return self.decode(rows[0][0])


def _membership(row: Any) -> Membership | None:
    """Where both it and its partner are active."""
    _, work, partner, role = _parts()
    membership = work.made(row)
    if not membership:
        return None
    membership.partner, membership.role = partner.made(row), role.made(row)
    return membership if membership.partner.is_active else None
