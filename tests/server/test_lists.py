"""Lists over a real database; what a window is, is shown by small ones."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from perdure._store import reads
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.flow_run_deletion import delete_flow_run
from perdure._store.paging import Found
from perdure._store.reads import Reads
from perdure._store.sql.postgresql import PostgreSQL
from perdure.errors import SteeringError
from perdure.records import CacheRecord, LogFilter, LogRecord, ResultFilter, RunFilter
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, ids, literal, persisted, state, task_run
from tests.postgresql_server import new_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def known(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(reads, "WINDOW", 3)
    monkeypatch.setattr(reads, "_LOOK_SECONDS", 0.0)
    with ExitStack() as stack:
        database: Any = tmp_path / "perdure.db"
        if request.param == "postgresql":
            url = stack.enter_context(new_database(request.getfixturevalue("postgresql")))
            database = PostgreSQL(url, 60)
        known = EmbeddedOrchestrator(database)
        stack.callback(known.close)
        yield known


def all_pages(ask: Any, filter: RunFilter, field: str = "older_than") -> list[Found[Any]]:
    pages = [ask(filter)]
    while pages[-1].next is not None:
        pages.append(ask(filter._replace(**{field: pages[-1].next})))
    return pages


@pytest.mark.parametrize("limit", [1, 2, 5])
@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_have_every_run_once_though_the_matching_ones_are_rare(
    known: EmbeddedOrchestrator, limit: int, oldest_first: bool
) -> None:
    runs = [task_run(name=f"{'rare' if i % 5 == 0 else 'usual'}-{i}") for i in range(16)]
    known.commit(runs)
    wanted = RunFilter(name_part="rare", limit=limit, oldest_first=oldest_first)
    pages = all_pages(Reads(known).task_runs, wanted, "newer_than" if oldest_first else "older_than")
    rare = ids(runs[::5])
    assert [run.id for page in pages for run in page.items] == (rare if oldest_first else rare[::-1])
    assert all(len(page.items) <= limit for page in pages)


def test_a_window_without_matching_rows_is_an_empty_page_with_a_cursor(known: EmbeddedOrchestrator) -> None:
    known.commit([task_run() for _ in range(5)])
    page = Reads(known).task_runs(RunFilter(name_part="nothing", limit=2))
    assert page.items == []
    assert page.next is not None


@pytest.mark.parametrize(
    "wanted",
    [
        RunFilter(name_part="ee"),
        RunFilter(parameters_part='"city": "Bergen"'),
        RunFilter(outermost=False),
        RunFilter(started_after=50, started_before=60),
        RunFilter(ended_after=80, ended_before=90),
    ],
)
def test_flow_runs_are_found_by(known: EmbeddedOrchestrator, wanted: RunFilter) -> None:
    parent = flow_run()
    run = flow_run(name="keen-eel", parameters='{"city": "Bergen"}', parent_flow_run_id=parent.id)
    ran = [state(run, StateType.RUNNING)._replace(time=55), state(run, StateType.COMPLETED)._replace(time=85)]
    known.commit([parent, run, *ran])
    assert ids(Reads(known).flow_runs(wanted._replace(limit=9)).items) == [run.id]


def test_runs_are_found_by_when_they_were_created(known: EmbeddedOrchestrator) -> None:
    runs = [flow_run() for _ in range(4)]
    hour = 3_600_000_000
    now = known_time(runs[0].id)
    runs = [run._replace(created=now + place) for place, run in enumerate(runs)]
    known.commit(runs)
    read = Reads(known)
    assert ids(read.flow_runs(RunFilter(after=now + 2, limit=9)).items) == ids(runs[:1:-1])
    assert ids(read.flow_runs(RunFilter(before=now + 2, limit=9, oldest_first=True)).items) == ids(runs[:2])
    assert read.flow_runs(RunFilter(after=now + hour, limit=9)).items == []


def known_time(id: str) -> int:
    return int(id[:13].replace("-", ""), 16) * 1_000


def test_results_are_paged(known: EmbeddedOrchestrator) -> None:
    runs = [task_run() for _ in range(8)]
    results = [literal(run)._replace(is_exception=place in (1, 6)) for place, run in enumerate(runs)]
    known.commit([*runs, *results])
    pages = all_pages(Reads(known).results, ResultFilter(is_exception=True, limit=1))  # type: ignore[arg-type]
    assert [record.run_id for page in pages for record in page.items] == [runs[6].id, runs[1].id]


def test_runs_are_counted(known: EmbeddedOrchestrator, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = flow_run()
    runs = [task_run(flow.id) for _ in range(5)]
    known.commit([flow, *runs, *(state(run, StateType.FAILED) for run in runs[:2])])
    read = Reads(known)
    assert read.count_task_runs(RunFilter()) == (5, True)
    assert read.count_task_runs(RunFilter(states=(StateType.FAILED,), flow_run_ids=(flow.id,))) == (2, True)
    monkeypatch.setattr(reads, "_COUNTED", 4)
    assert read.count_task_runs(RunFilter(name_part="load")) == (4, False)


def test_the_task_runs_that_took_longest_come_first_with_those_that_still_run(known: EmbeddedOrchestrator) -> None:
    open_, short, long, waits = runs = [task_run() for _ in range(4)]
    known.commit(runs)
    for run, began, took in ((open_, 1, None), (short, 10_000, 1_000), (long, 10_000, 500_000)):
        ended = [] if took is None else [state(run, StateType.COMPLETED)._replace(time=began + took)]
        known.commit([state(run, StateType.RUNNING)._replace(time=began), *ended])
    found = Reads(known).longest_task_runs(RunFilter(limit=2))
    assert ([run.id for run in found.items], found.next) == ([open_.id, long.id], None)
    every = Reads(known).longest_task_runs(RunFilter(limit=9)).items
    assert waits.id not in {run.id for run in every}


def test_the_calls_of_a_run_are_counted_by_task_and_state(
    known: EmbeddedOrchestrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "WINDOW", 100)
    flow = flow_run()
    first, second, other = [task_run(flow.id, task_name=name) for name in ("z", "z", "a")]
    known.commit([flow, first, second, other, below := flow_run(parent_flow_run_id=flow.id, flow_name="sub")])
    known.commit([state(first, StateType.RUNNING)._replace(time=1_000_000)])
    known.commit([state(first, StateType.COMPLETED)._replace(time=3_500_000), state(below, StateType.FAILED)])
    calls, is_complete = Reads(known).calls_by_task(flow.id)
    assert [(each.of, each.of_task, each.counts) for each in calls] == [
        ("z", True, {"COMPLETED": 1, "PENDING": 1}),
        ("a", True, {"PENDING": 1}),
        ("sub", False, {"FAILED": 1}),
    ]
    assert ([each.longest_seconds for each in calls], is_complete) == ([2.5, None, None], True)
    monkeypatch.setattr(reads, "WINDOW", 2)
    assert not Reads(known).calls_by_task(flow.id)[1]


def test_what_is_stored_is_summed_by_flow_task_and_type_and_a_shared_document_counts_once(
    known: EmbeddedOrchestrator,
) -> None:
    first, second = flow_run(flow_name="a"), flow_run(flow_name="b")
    calls = [task_run(first.id, task_name="load"), task_run(second.id, task_name="load")]
    of = [persisted(calls[0], "x", size=10), persisted(calls[1], "x", size=10), persisted(second, "y", size=4)]
    known.commit([first, second, *calls, *of, literal(task_run(), "1")])
    read = Reads(known)
    assert read.stored_by("flow", 9) == ([("a", 1, 10, 10), ("b", 1, 4, 4)], 14, True)
    assert read.stored_by("task", 9) == ([("load", 1, 10, 10), ("b", 1, 4, 4)], 14, True)
    assert read.stored_by("type", 1)[0] == [(of[0].type, 2, 14, 10)]


def test_tags_are_listed_once_each_and_found_by_a_part(known: EmbeddedOrchestrator) -> None:
    known.commit([flow_run(tags=json.dumps(tags)) for tags in (["nightly", "Zürich"], ["nightly"], ["team-a"])])
    known.commit([task_run(tags='["of-tasks"]')])
    read = Reads(known)
    assert read.tags(False, None, 9) == ["Zürich", "nightly", "team-a"]
    assert read.tags(False, "TEAM", 9) == ["team-a"]
    assert read.tags(True, None, 9) == ["of-tasks"]


def test_flows_are_what_their_runs_add_up_to(known: EmbeddedOrchestrator) -> None:
    runs = [flow_run(flow_name=name) for name in ("b", "a", "b", "c")]
    known.commit([*runs, state(runs[0], StateType.FAILED), state(runs[2], StateType.COMPLETED)])
    first = Reads(known).flows(None, 2, 0)
    assert [(each.name, each.last.id, each.counts) for each in first.items] == [
        ("a", runs[1].id, {"PENDING": 1}),
        ("b", runs[2].id, {"FAILED": 1, "COMPLETED": 1}),
    ]
    assert [each.name for each in Reads(known).flows(first.next, 2, 0).items] == ["c"]


def test_what_a_run_waited_before_it_ran_again_is_not_how_long_its_flow_takes(known: EmbeddedOrchestrator) -> None:
    once, again = flow_run(), flow_run()
    known.commit([once, begun := state(once, StateType.RUNNING), ended := state(once, StateType.COMPLETED), again])
    for kind in (StateType.RUNNING, StateType.PAUSED, StateType.RUNNING, StateType.COMPLETED):
        known.commit([state(again, kind)])
    (found,) = Reads(known).flow_statistics(0, 2**60)
    assert (found.runs, found.mean_seconds) == (2, pytest.approx((ended.time - begun.time) / 1_000_000))


def test_lines_are_paged_without_a_gap(known: EmbeddedOrchestrator) -> None:
    flow = flow_run()
    known.commit([flow, *(LogRecord(flow.id, None, 7, 20, "log", f"line {place}") for place in range(5))])
    wanted = LogFilter(flow_run_ids=(flow.id,), after=0, limit=2)
    reported: list[str] = []
    while True:
        page = Reads(known).log_lines(wanted)
        reported += [line.message for line in page.items]
        if page.next is None:
            break
        wanted = wanted._replace(after=int(page.next))
    assert reported == [f"line {place}" for place in range(5)]


def test_lines_are_found_by_level_and_text(known: EmbeddedOrchestrator) -> None:
    known.commit([LogRecord(None, None, 7, level, "log", f"at {level}") for level in (10, 20, 30)])
    read = Reads(known)
    assert [line.level for line in read.log_lines(LogFilter(min_level=20, limit=9)).items] == [30, 20]
    assert [line.level for line in read.log_lines(LogFilter(part="t 1", limit=9)).items] == [10]


def test_a_deleted_flow_run_leaves_no_row_of_it_or_below_it(known: EmbeddedOrchestrator) -> None:
    root, other = flow_run(), flow_run()
    below = flow_run(parent_flow_run_id=root.id)
    task = task_run(below.id)
    ends = [state(run, StateType.COMPLETED) for run in (root, below, task, other)]
    cached = literal(task)._replace(cache_key="key")
    line = LogRecord(below.id, task.id, 1, 20, "log", "line")
    known.commit([root, other, below, task, *ends, cached, CacheRecord("key", task.id, 1, None), line])
    (reported,) = known.flow_runs(RunFilter(ids=(root.id,)))
    assert delete_flow_run(reported, known) == 3
    assert ids(known.flow_runs(RunFilter())) == [other.id]
    assert known.task_runs(RunFilter()) == []
    assert known.states(task.id) == []
    assert known.results(ResultFilter()) == []
    assert known.find_cached("key", 1) is None
    assert known.logs(flow_run_id=below.id) == []


def test_a_flow_run_that_has_not_ended_is_not_deleted(known: EmbeddedOrchestrator) -> None:
    run = flow_run()
    known.commit([run, state(run, StateType.RUNNING)])
    (reported,) = known.flow_runs(RunFilter())
    with pytest.raises(SteeringError, match="has not ended"):
        delete_flow_run(reported, known)
