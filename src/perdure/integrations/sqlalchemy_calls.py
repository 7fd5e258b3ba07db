"""What is done with a database: by an engine whose calls block, or by one whose calls are awaited."""

import re
import threading
from collections.abc import Callable
from typing import Any

from perdure._platform.named import NamedTuple

__all__ = ["Connections", "Fetch"]

# What only reads is read row by row; all else is brought to its end at once, so that it is committed.
_READS = re.compile(r"\s*(select|with|values|show|explain|pragma|table)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)


class Fetch(NamedTuple):
    """A query, and how many of its rows are wanted."""

    key: tuple[str, str]  # what equal queries have in common
    statement: object
    parameters: object
    options: dict[str, object]
    take: Callable[[Any], object]
    all: bool = False


class _Cursor(NamedTuple):
    """A query whose rows have been read in part."""

    result: Any
    connection: Any  # None: all rows are in memory


class Connections:
    """An engine with its pool, and the queries whose rows have been read in part.

    The methods that begin with an `a` are for async engines. Their results hold all rows, so no connection is kept.
    """

    def __init__(self, make: Callable[[], object], is_async: bool) -> None:
        self._make, self._is_async = make, is_async
        self._engine: Any = None
        self._loop: Any = None  # that an async engine belongs to
        self._cursors: dict[tuple[str, str], _Cursor] = {}
        self._lock = threading.Lock()

    def engine(self) -> Any:
        """The engine, made when it is first needed; an async one anew on another event loop."""
        with self._lock:
            loop = _running_loop() if self._is_async else None
            if self._engine is None or self._loop is not loop:
                self._engine, self._loop = self._make(), loop
            return self._engine

    def execute(self, statement: object, parameters: object, options: dict[str, object]) -> object:
        """Execute in a transaction; the result, whose rows are in memory."""
        with self.engine().begin() as connection:
            return _in_memory(connection.execute(statement, parameters, execution_options=options))

    async def aexecute(self, statement: object, parameters: object, options: dict[str, object]) -> object:
        """`execute`, awaited."""
        async with self.engine().begin() as connection:
            return _in_memory(await connection.execute(statement, parameters, execution_options=options))

    def fetch(self, wanted: Fetch) -> object:
        """Rows of a query: those that are left, if some have been fetched."""
        cursor = self._cursors.pop(wanted.key, None) or self._opened(wanted)
        rows = wanted.take(cursor.result)
        if rows and not wanted.all:
            self._cursors[wanted.key] = cursor
        elif cursor.connection is not None:
            cursor.connection.close()
        return rows

    async def afetch(self, wanted: Fetch) -> object:
        """`fetch`, awaited."""
        cursor = self._cursors.pop(wanted.key, None)
        if cursor is None:
            cursor = _Cursor(await self.aexecute(wanted.statement, wanted.parameters, wanted.options), None)
        rows = wanted.take(cursor.result)
        if rows and not wanted.all:
            self._cursors[wanted.key] = cursor
        return rows

    def reset(self) -> None:
        """Forget what has been fetched."""
        while self._cursors:
            cursor = self._cursors.popitem()[1]
            if cursor.connection is not None:
                cursor.connection.close()

    async def areset(self) -> None:
        """`reset`, awaited."""
        self._cursors.clear()

    def close(self) -> None:
        """Close all connections."""
        self.reset()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    async def aclose(self) -> None:
        """`close`, awaited."""
        self._cursors.clear()
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    def _opened(self, wanted: Fetch) -> _Cursor:
        if not _is_read(wanted.statement):
            return _Cursor(self.execute(wanted.statement, wanted.parameters, wanted.options), None)
        connection = self.engine().connect()
        try:
            result = connection.execute(wanted.statement, wanted.parameters, execution_options=wanted.options)
        except BaseException:
            connection.close()
            raise
        return _Cursor(result, connection)


class _NoRows:
    """The rows of a statement that returns none, with what else its result says."""

    def __init__(self, result: object) -> None:
        self._result = result

    def __getattr__(self, name: str) -> object:
        return getattr(self._result, name)

    def fetchone(self) -> None:
        return None

    def fetchmany(self, _: int) -> list[object]:
        return []

    def fetchall(self) -> list[object]:
        return []


def _in_memory(result: Any) -> Any:
    return result.freeze()() if result.returns_rows else _NoRows(result)


def _is_read(statement: object) -> bool:
    text = str(statement)
    return _READS.match(text) is not None and _WRITES.search(text) is None


def _running_loop() -> object:
    import asyncio

    return asyncio._get_running_loop()  # None where there is none, which is no error here
