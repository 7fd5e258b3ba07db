"""Rows that go to PostgreSQL together leave what they leave one by one."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Pipeline
from test_record_batches import in_time, reported

from perdure._platform.ids import new_id
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql import postgresql_connection
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.postgresql_bulk import in_one
from perdure._store.sql.record_batches import Arrivals, Batch
from perdure._store.sql.statements import Statements
from perdure.records import NOBODY, LogRecord, Owner, Record, StartRecord
from perdure.states import StateType
from perdure.testing._sample_records import FIRST, SECOND, flow_run, literal, persisted, state
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
    found["log"] = [rest for _, *rest in found["log"]]  # the sequence of their numbers continues
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(reported, max_size=40).map(in_time).filter(lambda records: "\\x00" not in repr(records)))
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


OF_A_RUN = st.lists(st.sampled_from(["state", "start", "literal", "persisted"]), min_size=2, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=OF_A_RUN, then=OF_A_RUN)
def test_rows_of_a_run_in_one_statement_leave_what_they_leave_one_by_one(
    database: PostgreSQL, first: list[str], then: list[str]
) -> None:
    run = flow_run()
    kinds = iter([StateType.PENDING, StateType.RUNNING, StateType.COMPLETED] * 4)
    made = {
        "state": lambda: state(run, next(kinds)),
        "start": lambda: StartRecord(run.id, FIRST, "{}", None, None),
        "literal": lambda: literal(run),
        "persisted": lambda: persisted(run),
    }
    batches = [[run, *(made[each]() for each in first)], [made[each]() for each in then]]
    steps = [Batch(each, Arrivals().take(0), None).statements(STATEMENTS) for each in batches]
    with closing(database.connect()) as connection:

        def left(put: Callable[[Any, Any], object]) -> list[Any]:
            connection.execute("BEGIN")
            for each in steps:
                put(connection, each)
            tables = ("flow_run", "state", "flow_start", "result")
            found = [connection.execute(f"SELECT * FROM {each} ORDER BY 1, 2").fetchall() for each in tables]
            connection.execute("ROLLBACK")
            return found

        def together(connection: Any, steps: Any) -> None:
            one = in_one(STATEMENTS, steps)
            connection.execute(*one) if one else one_by_one(connection, steps)

        def one_by_one(connection: Any, steps: Any) -> None:
            for statement, rows in steps:
                for row in rows:
                    connection.execute(statement, row)

        assert left(together) == left(one_by_one)


def test_what_ends_a_run_is_one_statement_and_what_may_touch_a_row_twice_is_none() -> None:
    run = flow_run()
    end = [state(run, StateType.RUNNING), state(run, StateType.COMPLETED), literal(run)]
    assert in_one(STATEMENTS, Batch(end, Arrivals().take(0), None).statements(STATEMENTS))
    for more in ([literal(run), persisted(run)], [flow_run(), flow_run()], [LogRecord(run.id, None, 20, 1, "x", "y")]):
        assert in_one(STATEMENTS, Batch([*end, *more], Arrivals().take(0), None).statements(STATEMENTS)) is None


def test_a_state_that_a_clock_ahead_wrote_comes_before_that_of_who_claims_the_run_after_it(
    database: PostgreSQL,
) -> None:
    known, run = EmbeddedOrchestrator(database), flow_run()
    seen = state(run, StateType.SCHEDULED)
    known.commit([run, seen, StartRecord(run.id, NOBODY, None, None, None)])
    ahead = known._access.database.statements.add_state
    known._writer.execute(ahead, (run.id, 2**62, 0, "SCHEDULED", "Late", None, seen.time))
    later = seen._replace(name="Late")
    known._writer.execute("UPDATE flow_run SET state_name = %s WHERE id = %s", ("Late", run.id))
    other = EmbeddedOrchestrator(database)
    assert not other.claim(seen, NOBODY, SECOND, [state(run, StateType.PENDING)], (1, 2))  # it is another one by now
    assert other.claim(later, NOBODY, SECOND, [state(run, StateType.PENDING)], (1, 2))
    assert [each.name for each in other.states(run.id)] == ["Scheduled", "Late", "Pending"]
    for each in (known, other):
        each.close()


def test_a_transaction_that_sends_its_statements_at_once_waits_twice_for_the_server(database: PostgreSQL) -> None:
    known, run = EmbeddedOrchestrator(database), flow_run()
    seen = state(run, StateType.SCHEDULED)
    known.commit([run, seen, StartRecord(run.id, NOBODY, None, None, None)])
    raw = known._writer._connected().raw
    waited = list[object]()
    with pytest.MonkeyPatch.context() as patched:
        sync = Pipeline._enqueue_sync
        patched.setattr(Pipeline, "_enqueue_sync", lambda of: waited.append(of) or sync(of))
        known.claim(seen, NOBODY, FIRST, [state(run, StateType.PENDING)], (1, 2))
        assert len(waited) == 1
        known.own(Owner(run.id, 2))
        known.commit([state(run, StateType.RUNNING), state(run, StateType.COMPLETED), literal(run)])
        assert len(waited) == 2
    assert raw is known._writer._connected().raw
    known.close()
