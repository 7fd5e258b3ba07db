"""What persisted results take, by what they are of: the room of a storage is found by whom it is used."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select

from perdure._store.sql.tables import flow_run, result, task_run

_LOOKED_AT = 30_000  # results at most
_Ask = Callable[[Any], Sequence[Any]]


class StoredBy(NamedTuple):
    """The documents that the results of a flow, of a task or of a type take."""

    name: str | None  # None: of runs that are deleted
    results: int  # documents: one that several runs share counts once
    size: int  # bytes
    largest: int


def stored_by(ask: _Ask, of: str, limit: int) -> tuple[list[StoredBy], int, bool]:
    """What the newest persisted results take by "flow", "task" or "type": the largest sums first.

    With them, the bytes of all of those, and whether all results were looked at.
    """
    documents, is_complete = _newest_documents(ask)
    name, source = _named_by(of, documents)
    size = func.sum(documents.c.size)
    rows = select(name, func.count(), size, func.max(documents.c.size))
    found = ask(rows.select_from(source).group_by(name).order_by(size.desc()))
    sums = [StoredBy(each, count, int(size or 0), int(most or 0)) for each, count, size, most in found]
    return sums[:limit], sum(each.size for each in sums), is_complete


def _newest_documents(ask: _Ask) -> tuple[Any, bool]:
    """The documents of the newest persisted results, each once, with the first run whose result it is."""
    columns = result.c
    shown = (columns.run_id, columns.type, columns.size, columns.storage_id, columns.storage_key)
    # First the newest of any kind, in the order of the table: an index of a kind would have all of that kind sorted.
    newest = select(*shown, columns.kind, columns.removed).order_by(columns.run_id.desc()).limit(_LOOKED_AT).subquery()
    of = newest.c
    first = (func.min(of.run_id).label("run_id"), func.min(of.type).label("type"), func.max(of.size).label("size"))
    kept = select(*first).where(of.kind == "persisted", of.removed.is_(None))
    documents = kept.group_by(of.storage_id, of.storage_key).subquery()
    ((count,),) = ask(select(func.count()).select_from(select(columns.run_id).limit(_LOOKED_AT).subquery()))
    return documents, count < _LOOKED_AT


def _named_by(of: str, documents: Any) -> tuple[Any, Any]:
    """The column by which documents are summed, and the rows that have it."""
    if of == "type":
        return documents.c.type, documents
    tasks = documents.outerjoin(task_run, task_run.c.id == documents.c.run_id)
    own = flow_run.alias("own")
    if of == "task":
        both = tasks.outerjoin(own, own.c.id == documents.c.run_id)
        return func.coalesce(task_run.c.task_name, own.c.flow_name), both
    caller = flow_run.alias("caller")
    all_ = tasks.outerjoin(caller, caller.c.id == task_run.c.flow_run_id)
    all_ = all_.outerjoin(own, own.c.id == documents.c.run_id)
    return func.coalesce(caller.c.flow_name, own.c.flow_name, task_run.c.task_name), all_
