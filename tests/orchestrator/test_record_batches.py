import itertools
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure._store.sql.record_batches import Arrivals, Batch
from perdure._store.sql.schema import schema_statements
from perdure._store.sql.statements import Statements
from perdure.records import (
    CacheRecord,
    FlowRunRecord,
    InputRecord,
    LogRecord,
    Record,
    RemovalRecord,
    RenameRecord,
    ResultRecord,
    StateRecord,
    TaskRunRecord,
)
from perdure.states import StateType

run_ids = st.sampled_from(["a", "b", "c"])
words = st.sampled_from(["x", "y", "\u00fc"])
maybe = st.none() | words
tags = st.sampled_from(["[]", '["x"]', '["x", "y"]'])
numbers = st.integers(0, 5)

reported: st.SearchStrategy[Record] = st.one_of(
    st.builds(FlowRunRecord, run_ids, words, words, maybe, maybe, maybe, tags, words, numbers),
    st.builds(TaskRunRecord, run_ids, words, words, words, maybe, maybe, tags, numbers),
    st.builds(StateRecord, run_ids, st.booleans(), st.sampled_from(StateType), words, maybe, st.just(0)),
    st.builds(
        ResultRecord,
        run_ids,
        st.booleans(),
        st.sampled_from(["literal", "persisted"]),
        words,
        st.booleans(),
        numbers,
        value=maybe,
        size=st.none() | numbers,
        number=st.none() | numbers,
        expires=st.none() | numbers,
        preview=maybe,
    ),
    st.builds(RemovalRecord, run_ids, numbers, st.none() | numbers),
    st.builds(InputRecord, run_ids, run_ids, words),
    st.builds(RenameRecord, run_ids, st.booleans(), words),
    st.builds(CacheRecord, words, run_ids, numbers, st.none() | numbers),
    st.builds(LogRecord, maybe, maybe, numbers, numbers, words, words),
)


def in_time(records: list[Record]) -> list[Record]:
    """The records as they may happen: a run's states come one after the other, its name after its creation."""
    happened: list[Record] = []
    created = set()
    for record in records:
        if isinstance(record, StateRecord):
            happened.append(record._replace(time=len(happened)))
        elif not isinstance(record, RenameRecord) or (record.of_task, record.run_id) in created:
            happened.append(record)
        if isinstance(record, FlowRunRecord | TaskRunRecord):
            created.add((isinstance(record, TaskRunRecord), record.id))
    return happened


def stored(groups: list[list[Record]], statements: Statements) -> dict[str, list[tuple[object, ...]]]:
    """All the rows of a database that the groups were written to, a batch each."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema_statements():
        connection.execute(statement)
    arrivals = Arrivals()
    for group in groups:
        batch = Batch(group, arrivals.take(len(group)), statements.absent)
        for statement, rows in batch.statements(statements):
            connection.executemany(statement, rows)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    # The numbers of arrival differ; their order is what counts, and the rows are sorted by it.
    rows = {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in tables}
    rows["state"] = [(run_id, *rest) for run_id, _, *rest in rows["state"]]
    connection.close()
    return rows


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(reported, max_size=12).map(in_time), st.data())
def test_a_batch_leaves_the_rows_that_its_records_leave_one_by_one(records: list[Record], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(records)))
    alone = stored([[record] for record in records], Statements())
    assert stored([records], Statements()) == alone
    assert stored([records[:cut], records[cut:]], Statements()) == alone


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(reported, max_size=12).map(in_time))
def test_the_stand_in_for_none_leaves_no_trace(records: list[Record]) -> None:
    assert stored([records], Statements()) == stored([records], Statements(absent=None))


def test_arrivals_only_rise() -> None:
    arrivals = Arrivals()
    first = [arrivals.take(3) for _ in range(1_000)]
    assert all(later - earlier >= 3 * Arrivals.STEP for earlier, later in itertools.pairwise(first))


def test_the_arrivals_of_two_writers_do_not_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    writers = iter([b"\x00\x01", b"\x00\x02"])
    monkeypatch.setattr("os.urandom", lambda size: next(writers))
    here, there = Arrivals(), Arrivals()
    assert {here.take(1) % Arrivals.STEP for _ in range(9)} == {1}
    assert {there.take(1) % Arrivals.STEP for _ in range(9)} == {2}
