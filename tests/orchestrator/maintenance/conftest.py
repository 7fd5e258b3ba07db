"""Each test of care has its database twice: as a SQLite file, and, among the slow tests, on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perdure._store.sql.database import Database
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.sqlite import SQLite
from tests.postgresql_server import new_database

NewDatabase = Callable[[str], Database]


@pytest.fixture
def new(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Makes an empty database of a kind, "sqlite" or "postgresql"."""
    with ExitStack() as stack:
        made: list[Path] = []

        def make(kind: str) -> Database:
            if kind == "postgresql":
                url = request.getfixturevalue("postgresql")
                return PostgreSQL(stack.enter_context(new_database(url)), 10)
            made.append(tmp_path / f"{len(made)}.db")
            return SQLite(made[-1], 10)

        yield make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, new: NewDatabase) -> Database:
    """An empty database."""
    return new(request.param)
