"""A million task runs and as many results: each list answers soon, by an index, whatever the filter.

What is counted is what a database does for an answer, not how long it takes: that depends on the machine.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import quantiles
from typing import Any

import million
import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.reads import Reads
from perdure._store.sql import filtered_lists, queries
from perdure._store.sql.database import Database
from perdure._store.sql.postgresql import PostgreSQL
from perdure._store.sql.sqlite import SQLite
from perdure.records import CacheFilter, FailureFilter, ResultFilter, RunFilter
from perdure.states import StateType as S
from tests.postgresql_server import new_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PAGE = 51
DAY = 86_400_000_000
NEWEST = million.created(million.COUNT)
BIG = million.flow_id(0)
MOST = 10_000  # hundreds of instructions of SQLite: one for each row. Pages of PostgreSQL: a quarter of a table
Filter = RunFilter | ResultFilter | CacheFilter | FailureFilter

OF_RUNS: list[RunFilter] = [
    RunFilter(),
    RunFilter(limit=500),
    RunFilter(states=(S.COMPLETED,)),
    RunFilter(states=(S.FAILED,)),
    RunFilter(states=(S.CRASHED,)),
    RunFilter(states=(S.CRASHED, S.FAILED, S.RUNNING)),
    RunFilter(states=(S.COMPLETED, S.FAILED)),
    RunFilter(tags=("nightly",)),
    RunFilter(tags=("rare",)),
    RunFilter(tags=("nightly", "rare")),
    RunFilter(tags=("nightly",), states=(S.FAILED,)),
    RunFilter(tags=("unknown",)),
    RunFilter(ids=(million.task_id(77), million.flow_id(77))),
    RunFilter(ids=(million.task_id(77)[:13],)),
    RunFilter(after=NEWEST - DAY),
    RunFilter(after=million.created(1_000), before=million.created(3_000)),
    RunFilter(before=million.created(1_000)),
    RunFilter(after=2 * NEWEST),
    RunFilter(older_than=million.task_id(million.COUNT // 2)),
]
OF_TASK_RUNS = [
    *OF_RUNS,
    RunFilter(of="common"),
    RunFilter(of="rare task"),
    RunFilter(of="common", states=(S.FAILED,)),
    RunFilter(of="common", states=(S.CRASHED,)),
    RunFilter(of="common", tags=("nightly",)),
    RunFilter(of="common", tags=("rare",)),
    RunFilter(of="task 3", after=NEWEST - DAY),
    RunFilter(flow_run_ids=(BIG,)),
    RunFilter(flow_run_ids=(BIG,), states=(S.CRASHED,)),
    RunFilter(flow_run_ids=tuple(million.flow_id(number) for number in range(8))),
]
OF_FLOW_RUNS = [
    *OF_RUNS,
    RunFilter(of="flow 3"),
    RunFilter(of="rare flow"),
    RunFilter(of="flow 0", states=(S.FAILED,)),
    RunFilter(of="flow 0", states=(S.CRASHED,)),
    RunFilter(name="brisk-owl-77"),
]
OF_RESULTS = [
    ResultFilter(),
    ResultFilter(kinds=("persisted",)),
    ResultFilter(kinds=("literal",)),
    ResultFilter(kinds=("literal", "unpersisted")),
    ResultFilter(type="builtins.dict"),
    ResultFilter(type="rare.Type"),
    ResultFilter(type="pandas.*"),
    ResultFilter(type="package.*"),
    ResultFilter(type="*.Type"),
    ResultFilter(type="nothing.*"),
    ResultFilter(storage_ids=(million.STORAGE,)),
    ResultFilter(storage_ids=(million.RARE_STORAGE,)),
    ResultFilter(storage_ids=(million.STORAGE, million.RARE_STORAGE)),
    ResultFilter(storage_keys=("chosen by a user",)),
    ResultFilter(min_size=1_000_000),
    ResultFilter(min_size=5_000),
    ResultFilter(min_size=100, max_size=200),
    ResultFilter(max_size=105),
    ResultFilter(is_exception=True),
    ResultFilter(is_exception=False),
    ResultFilter(doomed=True),
    ResultFilter(removed=True),
    ResultFilter(removed=False),
    ResultFilter(after=NEWEST - DAY),
    ResultFilter(after=million.created(1_000), before=million.created(3_000)),
    ResultFilter(after=million.created(1_000), before=million.created(300_000)),
    ResultFilter(before=million.created(1_000)),
    ResultFilter(after=2 * NEWEST),
    ResultFilter(task="common"),
    ResultFilter(task="rare task"),
    ResultFilter(task="common", is_exception=True),
    ResultFilter(flow="flow 3"),
    ResultFilter(flow="rare flow"),
    ResultFilter(flow="flow 3", type="rare.Type"),
    ResultFilter(flow_run_ids=(BIG,)),
    ResultFilter(flow_run_ids=(million.flow_id(900),)),
    ResultFilter(run_ids=(million.task_id(5),)),
    ResultFilter(older_than=million.task_id(million.COUNT // 2)),
    ResultFilter(type="builtins.dict", after=NEWEST - DAY),
]
OF_FAILURES = [
    FailureFilter(),
    FailureFilter(limit=PAGE),
    FailureFilter(of="flow 3"),
    FailureFilter(after=NEWEST - DAY),
    FailureFilter(step=DAY),
]
OF_CACHE = [
    CacheFilter(),
    CacheFilter(beginning="a-key-1"),
    CacheFilter(task="common"),
    CacheFilter(task="rare task"),
    CacheFilter(before=million.created(100)),
]
LISTS: list[tuple[str, Sequence[Any], Callable[..., Any]]] = [
    ("task_runs", OF_TASK_RUNS, filtered_lists.task_runs),
    ("flow_runs", OF_FLOW_RUNS, filtered_lists.flow_runs),
    ("results", OF_RESULTS, filtered_lists.results),
    ("cache_entries", OF_CACHE, queries.cache_entries),
    ("failures", OF_FAILURES, lambda wanted, _: queries.failures(wanted)),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedOrchestrator]:
    if request.param == "sqlite":
        yield from _filled(SQLite(tmp_path_factory.mktemp("million") / Path("perdure.db"), 60))
    else:
        with new_database(request.getfixturevalue("postgresql")) as url:
            yield from _filled(PostgreSQL(url, 60))


def _filled(database: Database) -> Iterator[EmbeddedOrchestrator]:
    million.fill(database)
    known = EmbeddedOrchestrator(database)
    yield known
    known.close()


def paged(filter: Filter) -> Filter:
    return filter._replace(limit=filter.limit or PAGE)


def test_each_list_and_filter_answers_after_little_work(
    known: EmbeddedOrchestrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []
    read = known._access.read
    monkeypatch.setattr(known._access, "read", lambda *query: asked.append(query) or read(*query))
    work_of = _instructions if known._database.kind == "sqlite" else _pages
    taken = {}
    for name, filters, _ in LISTS:
        for filter in filters:
            asked.clear()
            assert len(getattr(known, name)(paged(filter))) <= (filter.limit or PAGE)
            assert asked
            taken[name, filter] = sum(work_of(known, *query) for query in asked)
    hardest = sorted(taken.items(), key=lambda item: -item[1])
    assert quantiles(taken.values(), n=20)[-1] < MOST, hardest[:5]


def _instructions(known: EmbeddedOrchestrator, statement: str, parameters: Any) -> int:
    """How many instructions of its virtual machine SQLite needs for a query, in hundreds."""
    count = 0

    def note() -> None:
        nonlocal count
        count += 1

    with closing(known._database.connect(reads=True)) as connection:
        connection.set_progress_handler(note, 100)
        connection.execute(statement, parameters).fetchall()
        connection.set_progress_handler(None, 0)
    return count


def _pages(known: EmbeddedOrchestrator, statement: str, parameters: Any) -> int:
    """How many pages of 8 KiB PostgreSQL looks at for a query, in memory or not; of some more than once."""
    ((found,),) = known._read(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", parameters)
    (plan,) = json.loads(found) if isinstance(found, str) else found
    return sum(plan["Plan"][f"{where} Blocks"] for where in ("Shared Hit", "Shared Read", "Temp Read"))


def test_the_states_within_half_of_them_are_counted_by_indices(known: EmbeddedOrchestrator) -> None:
    assert Reads(known).counts_within(BIG) == {"COMPLETED": million.COUNT // 2 + 3, "CRASHED": 7}


def test_no_list_or_filter_reads_or_sorts_a_whole_table(known: EmbeddedOrchestrator) -> None:
    found = {}
    for name, filters, query in LISTS:
        for filter in filters:
            if bad := _bad_steps(known, query(paged(filter), known._access.select)):
                found[name, filter] = bad
    assert not found, "\n".join(f"{key}: {steps}" for key, steps in found.items())


def _bad_steps(known: EmbeddedOrchestrator, query: Any) -> list[str]:
    """The steps of a plan that go through a whole table with no order to stop by."""
    statement, parameters = known._database.compiled(query)
    if known._database.kind == "postgresql":
        plan = [row[0] for row in known._read(f"EXPLAIN {statement}", parameters)]
        return [step for step in plan if "Seq Scan on" in step]
    plan = [row[3] for row in known._read(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    scans = [step for step in plan if re.match(r"SCAN (task_run|flow_run|result|cache_entry|run_tag)\b", step)]
    # In the order of the key or of an index, a scan ends with the page; only where it is sorted does it go through all.
    return scans if any("FOR ORDER BY" in step for step in plan) and "UNION" not in statement else []
