"""A room that is a folder elsewhere, and one line: it has all that the rooms of the house have."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from sqlalchemy import create_engine, inspect

from perdure import _rooms
from perdure._platform.ids import new_id
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.remote.orchestrator import RemoteOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.sqlite import SQLite
from perdure.client import AsyncClient, Client, ClientError, NotFound
from perdure.errors import OrchestratorError
from perdure.testing.kept_conformance import KeptConformance, sample
from perdure.testing.server import serving
from tests.postgresql_server import new_database
from tests.rooms.bookmarks.port import Bookmarks
from tests.rooms.bookmarks.records import Bookmark, BookmarkFilter


@pytest.fixture(autouse=True)
def _brought(home: Path) -> Iterator[None]:
    with _rooms.brought("bookmarks", "tests.rooms.bookmarks"):  # the one line
        yield


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with serving(str(tmp_path / "perdure.db")) as address:
        yield address


class TestEmbedded(KeptConformance):
    port = Bookmarks

    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Iterator[EmbeddedOrchestrator]:
        orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
        yield orchestrator
        orchestrator.close()


@pytest.mark.slow
class TestRemote(KeptConformance):
    port = Bookmarks

    @pytest.fixture
    def orchestrator(self, address: str, tmp_path: Path) -> Iterator[Orchestrator]:
        orchestrator = cast("Orchestrator", RemoteOrchestrator(address, tmp_path / "spool"))
        yield orchestrator
        orchestrator.close()


@pytest.mark.slow
class TestPostgreSQL(KeptConformance):
    port = Bookmarks

    @pytest.fixture
    def orchestrator(self, postgresql: str) -> Iterator[EmbeddedOrchestrator]:
        with new_database(postgresql) as url:
            orchestrator = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=10))
            yield orchestrator
            orchestrator.close()


def test_its_table_is_made_from_its_record_in_databases_old_and_new(tmp_path: Path) -> None:
    path = tmp_path / "perdure.db"
    known = EmbeddedOrchestrator(path)
    known.room(Bookmarks).put(sample(Bookmark))
    known.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = connection.execute("PRAGMA table_info(bookmark)").fetchall()
        connection.execute("DROP TABLE bookmark")  # as in a database from before
    assert [(name, kind, bool(needed), bool(key)) for _, name, kind, needed, _, key in columns] == [
        ("id", "VARCHAR(36)", True, True),
        ("title", "TEXT", True, False),
        ("kind", "TEXT", True, False),
        ("flow_name", "TEXT", False, False),
        ("tags", "TEXT", True, False),
        ("details", "TEXT", False, False),
        ("is_read", "BOOLEAN", True, False),
        ("weight", "FLOAT", False, False),
        ("visits", "INTEGER", True, False),
        ("created", "BIGINT", True, False),
        ("read", "BIGINT", False, False),
    ]
    again = EmbeddedOrchestrator(path)
    assert again.room(Bookmarks).all(BookmarkFilter()) == []
    again.close()
    assert SQLite(path, 1).differences() == []


@pytest.mark.slow
def test_its_table_is_in_postgresql_with_its_index(postgresql: str) -> None:
    with new_database(postgresql) as url:
        known = EmbeddedOrchestrator(PostgreSQL(url))
        assert known.room(Bookmarks).all(BookmarkFilter()) == []
        known.close()
        assert PostgreSQL(url).differences() == []
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        assert [each["name"] for each in inspect(engine).get_indexes("bookmark")] == ["bookmark_by_flow"]
        engine.dispose()


@pytest.mark.slow
def test_a_record_that_is_not_as_its_fields_say_is_refused_by_the_server(address: str, tmp_path: Path) -> None:
    orchestrator = RemoteOrchestrator(address, tmp_path / "spool")
    for wrong in ({"id": "7"}, {"tags": "{}"}, {"details": "[]"}, {"visits": 2**31}, {"kind": "book"}):
        (name,) = wrong
        with pytest.raises(OrchestratorError, match=rf"Bookmark\.{name}"):
            orchestrator.room(Bookmarks).put(sample(Bookmark)._replace(**wrong))
    orchestrator.close()


@pytest.mark.slow
def test_the_api_describes_it_and_has_its_routes(address: str) -> None:
    description = httpx.get(f"{address}/api/openapi.json", timeout=60).json()
    listed = description["paths"]["/api/bookmarks"]["get"]
    assert [each["name"] for each in listed["parameters"]] == ["limit", "cursor", "id", "kind", "flow", "read", "since"]
    one = description["paths"]["/api/bookmarks/{key}"]
    assert {way: one[way]["operationId"] for way in one} == {
        "get": "get_bookmark",
        "put": "put_bookmark",
        "delete": "delete_bookmark",
    }
    fields = description["components"]["schemas"]["BookmarkModel"]["properties"]
    assert list(fields) == list(Bookmark._fields)
    assert fields["created"]["format"] == "date-time"
    assert httpx.get(f"{address}/api/bookmarks/none", timeout=60).status_code == 404
    assert httpx.get(f"{address}/api/bookmarks", params={"flow_name": "x"}, timeout=60).status_code == 422


@pytest.mark.slow
def test_both_clients_have_its_methods(address: str) -> None:
    records = [sample(Bookmark, number) for number in range(1, 4)]
    with Client(address) as client:
        room = client.room(Bookmarks)
        assert [room.put(each) for each in records] == records
        assert list(room.list()) == sorted(records, reverse=True)
        assert list(room.list(flow="flow_name 2")) == records[1:2]
        assert list(room.list(kind="paper", read=True)) == [records[0], records[2]][::-1]
        assert room.get(records[0].id) == records[0]
        room.delete(records[0].id)
        with pytest.raises(NotFound, match="no Bookmark"):
            room.get(records[0].id)
        with pytest.raises(ClientError):
            room.put(records[1]._replace(visits=-1))

    async def read() -> list[Any]:
        async with AsyncClient(address) as client:
            return [each async for each in client.room(Bookmarks).list(limit=1)]

    assert asyncio.run(read()) == [records[2]]


def test_a_room_that_is_gone_is_not_known(tmp_path: Path) -> None:
    orchestrator: Any = EmbeddedOrchestrator(tmp_path / "perdure.db")
    with pytest.raises(AttributeError, match="An orchestrator has no 'bookmark'"):
        _ = orchestrator.bookmark
    assert orchestrator.bookmarks.one(new_id()) is None
    orchestrator.close()
