"""The tables, for SQLite and PostgreSQL alike, made from those that the rooms declare.

Changing a table takes three steps: its record or its room's `tables`, a migration, and
`python -m perdure._store.sql.schema`, which writes the text that a new SQLite file is made with. Tests hold the three
together.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, String, text
from sqlalchemy import Index as _Index
from sqlalchemy import Table as _Table
from sqlalchemy import Text as _Text
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import TypeEngine

from perdure import _rooms
from perdure._model.fields import Field
from perdure._model.tables import Table

metadata = MetaData()
# Text is compared by its bytes, as SQLite does it, whatever the language of a PostgreSQL database.
Text = _Text().with_variant(_Text(collation="C"), "postgresql")
ID = String(36).with_variant(String(36, collation="C"), "postgresql")
_OF_WORD: dict[str, TypeEngine[Any]] = {
    "id": ID,
    "small": Integer(),
    "number": BigInteger().with_variant(Integer, "sqlite"),  # SQLite numbers rows only where the key is its own INTEGER
}
_OF_KIND: dict[object, TypeEngine[Any]] = {int: BigInteger(), bool: Boolean(), float: Float()}  # all others are text


def add_table(table: Table) -> None:
    """Have a table among those of `metadata`."""
    columns = [_column(name, field, table) for name, field in table.columns.items()]
    numbered = any(field.word == "number" for field in table.columns.values())
    # Most keys are time-ordered ids: clustering the rows by them saves a second tree, a third of the writing.
    made = _Table(table.name, metadata, *columns, sqlite_with_rowid=numbered)
    for index in table.indices:
        where = None if index.where is None else text(index.where)
        on = [made.c[name] for name in index.columns]
        _Index(index.name, *on, unique=index.unique, sqlite_where=where, postgresql_where=where)


def _column(name: str, field: Field, table: Table) -> "Column[object]":
    default = table.defaults.get(name)
    return Column(
        name,
        _OF_WORD.get(field.word or "") or _OF_KIND.get(field.kind, Text),
        primary_key=name in table.key,
        nullable=field.is_optional,
        autoincrement=field.word == "number",
        server_default=None if default is None else text(str(default)),
    )


def missing_statements(dialect: Dialect) -> list[str]:
    """What makes the tables of rooms from elsewhere, where they are not there yet: no migration knows of them."""
    names = [table.name for room in _rooms.from_elsewhere() for table in _tables_of(_rooms.part(room, "tables"))]
    made = [metadata.tables[name] for name in names]
    indices = [CreateIndex(index, if_not_exists=True) for table in made for index in table.indexes]
    creations: list[CreateTable | CreateIndex] = [*(CreateTable(table, if_not_exists=True) for table in made), *indices]
    return [str(each.compile(dialect=dialect)) for each in creations]


def _tables_of(room: ModuleType | None) -> Sequence[Table]:
    found: Sequence[Table] = () if room is None else room.TABLES
    return found


def _follow(room: ModuleType, is_there: bool) -> None:
    for table in _tables_of(room):
        if is_there:
            add_table(table)
        else:
            metadata.remove(metadata.tables[table.name])


_rooms.follow("tables", _follow)
_made = metadata.tables
flow_run, task_run, run_tag, state = _made["flow_run"], _made["task_run"], _made["run_tag"], _made["state"]
flow_start, cancellation, run_wait = _made["flow_start"], _made["cancellation"], _made["run_wait"]
result, run_input, decision, log = _made["result"], _made["run_input"], _made["decision"], _made["log"]
cache_entry, flow_key, block, artifact = (_made[each] for each in ("cache_entry", "flow_key", "block", "artifact"))
txn, txn_step, txn_value, hook_delivery = (_made[each] for each in ("txn", "txn_step", "txn_value", "hook_delivery"))
