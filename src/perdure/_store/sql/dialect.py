"""Statements that are the same for SQLite and PostgreSQL but for some words, which each database has its own for."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from perdure._store.sql.database import Connection, Cursor, Database

_WORD = re.compile(r"<([a-z]+(?: [a-z]+)*)>")
_PARAMETER = re.compile(r"(?<!:):(\w+)")


class Dialect:
    """Runs statements on a connection of its own. Such words stand as `<word>`, and parameters as `:name`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.connection: Connection = database.connect()
        self._rendered: dict[str, str] = {}

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Cursor:
        """Run a statement with the given parameters."""
        return self.connection.execute(self.rendered(statement), parameters or {})

    def rendered(self, statement: str) -> str:
        """The statement as the database wants it."""
        found = self._rendered.get(statement)
        if found is None:
            words = self.database.spellings
            found = _WORD.sub(lambda match: words[match[1]], statement)
            found = self._rendered[statement] = _PARAMETER.sub(words["parameter"], found)
        return found

    @contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """Run what is in the `with` block as one transaction."""
        with self.database.errors():
            self.connection.execute(begin)
            try:
                yield
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
