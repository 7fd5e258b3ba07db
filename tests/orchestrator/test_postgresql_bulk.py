"""Rows that go to PostgreSQL together leave what they leave one by one."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_batch import in_time, told

from perdure._platform.ids import new_id
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql import postgresql_connection
from perdure._store.sql.batch import Arrivals, Batch
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.statements import Statements
from perdure.records import LogRecord, Record
from perdure.testing._sample_records import flow_run
from tests.postgresql_server import new_database

pytestmark = pytest.mark.slow
TABLES = ("flow_run", "task_run", "run_tag", "state", "result", "run_input", "cache_entry", "log")
STATEMENTS = Statements(mark="%s", absent=None, flag="(%s)::int::boolean")


@pytest.fixture(scope="module")
def database(postgresql: str) -> Iterator[PostgreSQL]:
    with new_database(postgresql) as url:
        yield PostgreSQL(url)


def stored(connection: Any, records: list[Record], fewest: int) -> dict[str, list[Any]]:
    """All rows after a batch, which is undone; so many rows of one kind go together."""
    batch = Batch(records, Arrivals().take(0), None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postgresql_connection, "FEWEST", fewest)
        connection.execute("BEGIN")
        for statement, rows in batch.statements(STATEMENTS):
            connection.executemany(statement, rows)
        found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES}
        connection.execute("ROLLBACK")
    found["state"] = [(run_id, *rest) for run_id, _, *rest in found["state"]]
    found["log"] = [rest for _, *rest in found["log"]]  # the sequence of their numbers goes on
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(told, max_size=40).map(in_time).filter(lambda records: "\\x00" not in repr(records)))
def test_rows_that_go_together_leave_what_they_leave_one_by_one(database: PostgreSQL, records: list[Record]) -> None:
    with closing(database.connect()) as connection:
        assert stored(connection, records, fewest=1) == stored(connection, records, fewest=1_000)


def test_texts_arrive_as_they_are_and_only_what_cannot_be_stored_is_refused(database: PostgreSQL) -> None:
    known = EmbeddedOrchestrator(database)
    run = new_id()
    texts = ['"', "\\", "\\n", "a\nb\tc\x01", "{},(),'%s'", "ü\U0001f600\u2028", "", "null", "NULL", *"0123456789"]
    known.commit([flow_run(run), *[LogRecord(run, None, 20, at, "x", text) for at, text in enumerate(texts)]])
    assert [line.message for line in known.logs(run)] == texts
    known.report([LogRecord(run, None, 20, 100 + at, "x", f"kept {at}") for at in range(5)])
    known.report([LogRecord(run, None, 20, 200, "x", "a\0b")])
    known.flush()
    assert [line.message for line in known.logs(run)][-2:] == ["kept 4", "a\\x00b"]
    known.close()
