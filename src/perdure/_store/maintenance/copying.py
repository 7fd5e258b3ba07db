"""Moving all that a database holds into another one: all of it or nothing, in bounded memory."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from perdure._model.errors import OrchestratorError
from perdure._platform.files import TEMPORARY_PREFIX, touch_private
from perdure._store.sql.database import Connection, Database
from perdure._store.sql.sqlite import SQLite

_PAGE = 10_000  # rows in memory at once

Progress = Callable[[str, int], None]  # a table, and how many of its rows are copied


def copy(source: Database, target: Database, progress: Progress | None = None) -> Mapping[str, int]:
    """Copy every row of a database, as it is now, into an empty one; how many there are of each table.

    Flows may keep writing to the source: what they write from now on is not copied. The target is filled in one
    transaction, so that it stays empty if anything goes wrong.

    Raises:
        OrchestratorError: the target is the source or holds something already, one of them fails, or the rows of a
            table are not as many afterwards.
    """
    if source.place == target.place:
        raise OrchestratorError(f"{source.place} cannot be copied into itself. Name another database.")
    with closing(source.connect()) as reading, closing(target.connect()) as writing:
        with _transaction(source, reading, source.begin_view), _transaction(target, writing, target.begin):
            _refuse_full(target, writing)
            counts = {name: _copy_table(source, reading, target, writing, name, progress) for name in _tables()}
            for name, count in counts.items():
                _compare(name, count, (source, reading), (target, writing))
        with target.errors():
            target.gather_statistics(writing)
    return counts


def backup(source: Database, file: Path, progress: Progress | None = None) -> int:
    """Write a database, as it is now, into a new SQLite file while flows run; its size in bytes.

    Raises:
        OrchestratorError: the file is there already or cannot be written, or the database fails.
    """
    if file.exists():
        raise OrchestratorError(f"{file} is there already. Name a new file: a backup replaces none.")
    temporary = file.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{file.name}")
    try:
        if isinstance(source, SQLite):
            touch_private(temporary)
            _back_up_file(source, temporary)
        else:
            copy(source, SQLite(temporary, source.timeout_seconds), progress)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.link(temporary, file)  # fails where somebody was quicker
    except OSError as error:
        raise OrchestratorError(f"The backup {file} cannot be written: {error.strerror or error}.") from None
    finally:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)
    return file.stat().st_size


def _back_up_file(source: SQLite, file: Path) -> None:
    with closing(source.connect()) as reading, source.errors(), closing(sqlite3.connect(file)) as writing:
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE")  # all of it is in the one file


def _tables() -> list[str]:
    from perdure._store.sql.tables import metadata

    return [table.name for table in metadata.sorted_tables]


@contextmanager
def _transaction(database: Database, connection: Connection, begin: str) -> Iterator[None]:
    with database.errors():
        connection.execute(begin)
        try:
            yield
            database.commit(connection)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _refuse_full(target: Database, writing: Connection) -> None:
    for name in _tables():
        if writing.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() is not None:
            raise OrchestratorError(
                f"{target.place} is not empty: it has rows in {name}. Copy into a new database, or remove this one."
            )


def _copy_table(
    source: Database, reading: Connection, target: Database, writing: Connection, name: str, progress: Progress | None
) -> int:
    from perdure._store.sql.tables import metadata

    table, count = metadata.tables[name], 0
    columns = [column.name for column in table.columns]
    quoted = ", ".join(f'"{column}"' for column in columns)
    key = ", ".join(f'"{column.name}"' for column in table.primary_key)
    query = f"SELECT {quoted} FROM {name} ORDER BY {key}"
    with source.errors():
        for rows in source.pages(reading, query, _PAGE):
            target.load(writing, name, columns, rows)
            count += len(rows)
            if progress is not None:
                progress(name, count)
    if table.autoincrement_column is not None:
        with target.errors():
            target.count_on(writing, name, table.autoincrement_column.name)
    return count


def _compare(name: str, count: int, *sides: tuple[Database, Connection]) -> None:
    for database, connection in sides:
        (found,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        if found != count:
            difference = f"{count:,} rows of {name} were copied, but {database.place} has {found:,}."
            raise OrchestratorError(f"{difference} Nothing was written; try again.")
