"""SQLAlchemy's connector, on SQLite and PostgreSQL, with plain and with async drivers."""

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from pydantic import AnyUrl, SecretStr

from perdure import flow
from perdure.errors import IntegrationError
from perdure.integrations.sqlalchemy import DatabaseCredentials, SqlAlchemyConnector, database_execute, sqlalchemy_query
from perdure.integrations.sqlalchemy_url import AsyncDriver, ConnectionComponents, SyncDriver
from tests.postgresql_server import new_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow, pytest.mark.postgresql])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data"
        return
    with new_database(request.getfixturevalue("postgresql")) as found:
        yield found.replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture
def filled(url: str) -> Iterator[SqlAlchemyConnector]:
    """A database with the numbers from 1 to 5."""
    with SqlAlchemyConnector(connection_info=SecretStr(url)) as connector:
        connector.execute("CREATE TABLE numbers (n INTEGER)")
        connector.execute_many("INSERT INTO numbers VALUES (:n)", [{"n": n} for n in range(1, 6)])
        yield connector


QUERY = "SELECT n FROM numbers WHERE n > :low ORDER BY n"


def test_fetching_continues_where_it_was(filled: SqlAlchemyConnector) -> None:
    assert filled.fetch_one(QUERY, {"low": 0}) == (1,)
    assert filled.fetch_many(QUERY, {"low": 0}, size=2) == [(2,), (3,)]
    assert filled.fetch_one(QUERY, {"low": 3}) == (4,)  # of another query
    assert filled.fetch_all(QUERY, {"low": 0}) == [(4,), (5,)]
    assert filled.fetch_all(QUERY, {"low": 0}) == [(1,), (2,), (3,), (4,), (5,)]


def test_a_loop_ends_at_the_last_row(filled: SqlAlchemyConnector) -> None:
    found = []
    while rows := filled.fetch_many(QUERY, {"low": 2}, size=2):
        found.append([n for (n,) in rows])
    assert found == [[3, 4], [5]]


def test_a_reset_query_begins_again(filled: SqlAlchemyConnector) -> None:
    assert filled.fetch_one(QUERY, {"low": 0}) == (1,)
    filled.reset_cursors()
    assert filled.fetch_one(QUERY, {"low": 0}) == (1,)


def test_a_statement_that_returns_rows_is_committed(filled: SqlAlchemyConnector) -> None:
    assert filled.fetch_one("INSERT INTO numbers VALUES (6) RETURNING n") == (6,)
    assert filled.fetch_all("DELETE FROM numbers WHERE n < 5") == []
    other = SqlAlchemyConnector(connection_info=filled.connection_info)
    assert other.fetch_all(QUERY, {"low": 0}) == [(5,), (6,)]
    other.close()


def test_the_result_says_how_many_rows(filled: SqlAlchemyConnector) -> None:
    assert filled.execute("UPDATE numbers SET n = n + 10 WHERE n > :low", {"low": 3}).rowcount == 2


def test_a_failed_batch_changes_nothing(filled: SqlAlchemyConnector) -> None:
    filled.execute("CREATE UNIQUE INDEX one ON numbers (n)")
    with pytest.raises(sqlalchemy.exc.IntegrityError) as caught:
        filled.execute_many("INSERT INTO numbers VALUES (:n)", [{"n": 77}, {"n": 1}])
    assert "77" not in str(caught.value)
    assert filled.fetch_all(QUERY, {"low": 5}) == []


def test_engines_connections_and_statements_are_sqlalchemys(filled: SqlAlchemyConnector) -> None:
    numbers = sqlalchemy.table("numbers", sqlalchemy.column("n"))
    assert filled.fetch_one(sqlalchemy.select(sqlalchemy.func.sum(numbers.c.n))) == (15,)
    with filled.get_client("connection") as connection:
        connection.execute(sqlalchemy.insert(numbers).values(n=6))
    with filled.get_connection(begin=False) as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM numbers")).scalar() == 6
    assert filled.get_engine() is filled.get_client("engine")


def test_a_coroutine_flow_awaits_a_plain_driver(filled: SqlAlchemyConnector) -> None:
    @flow
    async def read() -> Any:
        async with filled as connector:
            first = await connector.fetch_one(QUERY, {"low": 1})
            return first, await connector.fetch_many(QUERY, {"low": 1}, size=1)

    assert asyncio.run(read()) == ((2,), [(3,)])


def awaited(url: str) -> SqlAlchemyConnector:
    """The same database by an async driver."""
    pytest.importorskip("greenlet", reason="SQLAlchemy's asyncio needs greenlet, which has no wheels for this Python")
    plain = sqlalchemy.make_url(url)
    driver = AsyncDriver.SQLITE_AIOSQLITE if "sqlite" in url else AsyncDriver.POSTGRESQL_PSYCOPG
    rendered = plain.set(drivername=driver).render_as_string(hide_password=False)
    return SqlAlchemyConnector(connection_info=SecretStr(rendered))


@pytest.mark.slow
def test_a_coroutine_flow_awaits_an_async_driver(filled: SqlAlchemyConnector, url: str) -> None:
    connector = awaited(url)

    @flow
    async def read() -> Any:
        async with connector as db:
            await db.execute("INSERT INTO numbers VALUES (:n)", {"n": 6})
            first = await db.fetch_one(QUERY, {"low": 1})
            rest = await db.fetch_all(QUERY, {"low": 1})
            async with db.get_connection() as connection:
                count = (await connection.execute(sqlalchemy.text("SELECT count(*) FROM numbers"))).scalar()
            return first, len(rest), count

    assert asyncio.run(read()) == ((2,), 4, 6)
    assert asyncio.run(read()) == ((2,), 5, 7)  # on another event loop


def test_plain_code_is_refused_an_async_driver(url: str) -> None:
    connector = awaited(url)
    with pytest.raises(IntegrationError, match="is for async code"):
        connector.fetch_one("SELECT 1")
    with pytest.raises(IntegrationError, match="is for async code"), connector:
        pass


def test_tasks_take_either_block(filled: SqlAlchemyConnector, url: str) -> None:
    credentials = DatabaseCredentials(url=SecretStr(url))

    @flow
    def read() -> Any:
        database_execute("INSERT INTO numbers VALUES (:n)", credentials, {"n": 6})
        return sqlalchemy_query(QUERY, filled, {"low": 3}), sqlalchemy_query(QUERY, credentials, {"low": 0}, limit=1)

    assert read() == ([(4,), (5,), (6,)], [(1,)])


def test_a_saved_connector_has_its_password_and_does_not_show_it() -> None:
    made = SqlAlchemyConnector(
        connection_info=ConnectionComponents(
            driver=SyncDriver.POSTGRESQL_PSYCOPG,
            username="ada",
            password=SecretStr("s3cret"),
            host="db.example.org",
            port=5432,
            database="data",
        ),
        connect_args={"options": "-c search_path=a", "sslpassword": SecretStr("also s3cret")},
    )
    made.save("mine")
    loaded = SqlAlchemyConnector.load("mine")
    assert loaded == made
    assert "s3cret" not in repr(loaded)
    assert loaded.get_engine().url.password == "s3cret"


@pytest.mark.parametrize("kind", [str, AnyUrl, sqlalchemy.make_url])
def test_a_url_is_taken_in_any_form(kind: Any) -> None:
    connector = SqlAlchemyConnector(connection_info=kind("postgresql+psycopg://ada:s3cret@db.example.org/data"))
    assert "s3cret" not in repr(connector)
    assert connector.get_engine().url.password == "s3cret"


def test_a_database_in_memory_is_the_same_in_all_threads() -> None:
    connector = SqlAlchemyConnector(
        connection_info=ConnectionComponents(driver=SyncDriver.SQLITE_PYSQLITE, database=":memory:")
    )

    async def use() -> Any:
        await connector.execute("CREATE TABLE t (n INTEGER)")
        await connector.execute("INSERT INTO t VALUES (1)")
        return await connector.fetch_all("SELECT n FROM t")

    assert asyncio.run(use()) == [(1,)]
    connector.close()


def test_a_used_connector_goes_to_other_processes(filled: SqlAlchemyConnector) -> None:
    filled.fetch_one(QUERY, {"low": 0})
    with pickle.loads(pickle.dumps(filled)) as other:
        assert other.fetch_one(QUERY, {"low": 0}) == (1,)


def test_a_driver_that_is_not_installed_is_named() -> None:
    connector = SqlAlchemyConnector(connection_info=SecretStr("mysql+pymysql://localhost/data"))
    with pytest.raises(IntegrationError, match="pip install pymysql"):
        connector.fetch_one("SELECT 1")
