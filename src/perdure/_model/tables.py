"""A table of the database, made from the record whose fields are its columns.

`Table("variable", VariableRecord)` is all there is to say, if the first field is the key. This needs no SQLAlchemy, so
that statements can be made from it in processes that only run; `_store.sql.tables` makes the real tables.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from perdure._model.fields import Field, fields_of


class Index:
    """An index; with `where`, of the rows that are looked for: the others, most, cost nothing when they are written."""

    def __init__(self, name: str, columns: Sequence[str], where: str | None = None, unique: bool = False) -> None:
        self.name = name
        self.columns = columns
        self.where = where
        self.unique = unique


class Table:
    """A table by its name, and the record of its rows.

    The first `key` columns are its key. `more` is a class whose annotations are what the store keeps beside: its
    columns come last, and its values are what the database gives to rows that do not say them. `first` and `last` are
    fields whose columns stand elsewhere than theirs.
    """

    def __init__(
        self,
        name: str,
        record: Any,
        *indices: Index,
        key: int = 1,
        more: object = None,
        first: Sequence[str] = (),
        last: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.record = record
        self.indices = indices
        self._key = key
        self._more = more
        self._first = first
        self._last = last

    @cached_property
    def columns(self) -> dict[str, Field]:
        """What its columns hold, by name, in their order."""
        found = fields_of(self.record) | ({} if self._more is None else fields_of(self._more))
        between = [name for name in found if name not in (*self._first, *self._last)]
        return {name: found[name] for name in (*self._first, *between, *self._last)}

    @property
    def defaults(self) -> dict[str, Any]:
        """What columns hold in rows that do not say it."""
        return {} if self._more is None else vars(self._more)

    @property
    def key(self) -> Sequence[str]:
        """The columns of its key."""
        return list(self.columns)[: self._key]
