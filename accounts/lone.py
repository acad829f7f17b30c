"""Secrets that stand alone in a row, wrapped under the master key itself."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db import models

from accounts import sealing


class Secret(property):
    """A secret of a row, read and written as if it stood in clear.

    The column holds it wrapped, and bound to that row: `mark` says which row that is, and whose.
    Empty stands for none. Reading raises sealing.DoesNotOpen.
    """

    def __init__(
        self,
        column: str,
        mark: Callable[[Any], tuple[str, str]],
        *,
        none: Callable[[], Any] = str,
        fresh: Callable[[], Any] | None = None,
    ) -> None:
        self.column, self.mark, self.none, self.fresh = column, mark, none, fresh
        super().__init__(self._read, self._write)

    def place(self, row: models.Model) -> sealing.Place:
        mark, partner = self.mark(row)
        return sealing.Place(row._meta.db_table, self.column, mark, partner)

    def _read(self, row: models.Model) -> Any:
        wrapped = bytes(getattr(row, self.column))
        return json.loads(sealing.unwrap(wrapped, self.place(row))) if wrapped else self.none()

    def _write(self, row: models.Model, value: Any) -> None:
        wrapped = sealing.wrap(json.dumps(value).encode(), self.place(row)) if value else b""
        setattr(row, self.column, wrapped)


class Keeper(models.Model):
    """A row with secrets; one that must be there is made with the row."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        for secret in secrets_of(type(self)):
            if secret.fresh and not getattr(self, secret.column):
                secret.__set__(self, secret.fresh())
        super().save(*args, **kwargs)


def secrets_of(model: type[models.Model]) -> Iterator[Secret]:
    return (value for value in vars(model).values() if isinstance(value, Secret))
