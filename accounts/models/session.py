"""Django's sessions in the database. One statement brings a session, its user, and for whom that
user works: every request needs all of it.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import DateTimeField, FilteredRelation, Q
from django.utils import timezone

from accounts.models.people import Membership, User
from accounts.statements import Slot, Statement

log = logging.getLogger(__name__)


class Session(AbstractBaseSession):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )

    @classmethod
    def get_session_store_class(cls) -> type["SessionStore"]:
        return SessionStore


def _loaded() -> models.QuerySet[Session]:
    """One row for each membership, called `work`; without any, one row that lacks it."""
    # Not Membership.objects.active(): that of the user is seen to by whoever asks for them.
    work = FilteredRelation("user__memberships", condition=Q(user__memberships__is_active=True))
    rows = Session.objects.annotate(work=work)
    rows = rows.filter(session_key=Slot("key"), expire_date__gt=Slot("now", DateTimeField()))
    return rows.select_related("user", "work__partner", "work__role")  # type: ignore[misc]


LOADED = Statement(_loaded)


class SessionStore(db.SessionStore):
    # As they were loaded. Whether this user is still signed in is not said here.
    user: User | None = None
    memberships: Sequence[Membership] = ()

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session: Any = super().create_model_instance(data)
        session.user_id = data.get(SESSION_KEY)
        return session

    def save(self, must_create: bool = False) -> None:
        """Where it cannot be saved, or was ended meanwhile, the view's answer stands: it is saved
        last, and an error page would say that nothing was changed, though a decision was made.
        """
        try:
            super().save(must_create)
        except UpdateError:
            log.warning("a session could not be saved")

    def load(self) -> dict[str, Any]:
        rows = LOADED.instances(key=self.session_key, now=timezone.now())
        if not rows:
            self._session_key = None
            return {}
        self.user = rows[0].user
        works = [getattr(row, "work", None) for row in rows]
        self.memberships = [work for work in works if work and work.partner.is_active]
        return self.decode(rows[0].session_data)
