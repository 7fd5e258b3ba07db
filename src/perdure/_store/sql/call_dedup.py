"""Calls that come from far: they may arrive twice, and what they change is changed once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from perdure._platform.clock import system_clock
from perdure._platform.named import NamedTuple
from perdure._store.sql.database import Connection
from perdure._store.sql.statements import Statements


class Call(NamedTuple):
    """One call of a method from far: what it changes is changed once, however often it is sent."""

    source: str
    sequence: int


current_call: ContextVar[Call | None] = ContextVar("perdure_current_call", default=None)


@contextmanager
def calling(call: Call | None) -> Iterator[None]:
    """Within the block, the first thing that is written is written once for the call."""
    token = current_call.set(call)
    try:
        yield
    finally:
        current_call.reset(token)


def once(connection: Connection, sql: Statements, call: Call, change: Callable[[], int]) -> int:
    """How many rows a change that is part of a call changed: now, or when the call came for the first time."""
    if not connection.execute(sql.deliver_any, (call.source, call.sequence, 0, system_clock())).rowcount:
        row: Any = connection.execute(sql.delivered, (call.source,)).fetchone()
        return int(row[1]) if row[0] == call.sequence else 0
    count = change()
    connection.execute(sql.note_outcome, (count, call.source))
    return count
