"""What may be removed, compared with a model that looks at one result after the other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure._model.state_types import FINAL
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.records import (
    CacheRecord,
    FlowRunRecord,
    InputRecord,
    Record,
    RemovalRecord,
    ResultFilter,
    ResultRecord,
    StateRecord,
    TaskRunRecord,
)
from perdure.states import StateType
from tests.postgresql_server import new_database

NOW = 1_000_000_000
BEFORE = NOW - 10_000_000


class Run(NamedTuple):
    """A run and its result; its parent is an earlier run, by number."""

    is_task: bool
    parent: int | None
    state: StateType | None
    place: int | None  # where its result lies; None: it has none
    age: int  # seconds
    size: int
    retention: tuple[str, int] | None
    is_cached: bool
    is_cache_expired: bool
    doomed: int | None  # seconds ago
    source: int | None  # the run whose result it was given
    is_item: bool  # of a task in a flow run: it is no run at all, but an item of a generator


class World(NamedTuple):
    runs: tuple[Run, ...]
    limits: dict[str, int]


states = st.sampled_from([*[StateType.COMPLETED] * 12, None, StateType.RUNNING, StateType.FAILED, StateType.CRASHED])
sizes = st.integers(1, 9).map(lambda size: 10 * size)
limits = st.fixed_dictionaries({}, optional={"age": st.integers(1, 60), "runs": st.integers(1, 3), "size": sizes})
numbers = st.none() | st.integers(0, 3)
runs = st.builds(
    Run,
    is_task=st.booleans(),
    parent=numbers,
    state=states,
    place=st.none() | st.integers(0, 3) | st.integers(0, 40),
    age=st.integers(0, 100),
    size=sizes,
    retention=st.none() | st.none() | st.tuples(st.sampled_from(["age", "runs", "size"]), st.integers(1, 60)),
    is_cached=st.sampled_from([False, False, False, True]),
    is_cache_expired=st.booleans(),
    doomed=st.sampled_from([None, None, 5, 20]),
    source=st.none() | numbers,
    is_item=st.booleans(),
)
worlds = st.builds(World, st.lists(runs, max_size=8).map(tuple), limits)


def name(number: int) -> str:
    return f"{number:02d}"


def parent_of(world: World, number: int) -> int | None:
    parent = world.runs[number].parent
    return parent if parent is not None and parent < number else None


def flow_of(world: World, number: int) -> int | None:
    """The flow run that a run is directly in, as the engine tells it."""
    above = parent_of(world, number)
    while above is not None and world.runs[above].is_task:
        above = parent_of(world, above)
    return above


def is_item(world: World, number: int) -> bool:
    run = world.runs[number]
    return run.is_item and run.is_task and flow_of(world, number) is not None


def root_of(world: World, number: int) -> int | None:
    """The outermost flow run around a run, or it itself."""
    root = None if world.runs[number].is_task else number
    above = flow_of(world, number)
    while above is not None:
        root, above = above, flow_of(world, above)
    return root


def records_of(world: World) -> Iterator[Record]:
    for number, run in enumerate(world.runs):
        id, flow, parent = name(number), flow_of(world, number), parent_of(world, number)
        flow_id = None if flow is None else name(flow)
        parent_task = name(parent) if parent is not None and world.runs[parent].is_task else None
        if is_item(world, number):
            if run.place is not None:
                yield from result_of(number, run, item_of=flow_id)
            continue
        if run.is_task:
            yield TaskRunRecord(id, id, "task", "m.task", flow_id, parent_task, "[]", 0)
        else:
            yield FlowRunRecord(id, id, f"flow-{number % 2}", None, flow_id, parent_task, "[]", "{}", 0)
        if run.state is not None:
            yield StateRecord(id, run.is_task, run.state, run.state.capitalize(), None, 0)
        if run.source is not None and run.source < len(world.runs):
            yield InputRecord(id, name(run.source), "x")
        if run.place is not None:
            yield from result_of(number, run)


def result_of(number: int, run: Run, item_of: str | None = None) -> Iterator[Record]:
    id = name(number)
    retention = None
    if run.retention is not None:
        retention = json.dumps({run.retention[0]: run.retention[1], "of": f"flow f{number % 2}", "run": id})
    place = {"storage_id": f"s{run.place % 2}", "storage_key": f"k{run.place // 2}"}  # type: ignore[operator]
    created = NOW - run.age * 1_000_000
    fields = {"size": run.size, "retention": retention, "item_of": item_of}
    yield ResultRecord(id, run.is_task, "persisted", "x", False, created, **fields, **place)  # type: ignore[arg-type]
    if run.is_cached:
        yield CacheRecord(id, id, created, NOW if run.is_cache_expired else NOW + 1)
    if run.doomed is not None:
        yield RemovalRecord(id, NOW - run.doomed * 1_000_000, None)


def is_needed(world: World, number: int) -> bool:
    """Whether the run, or one around it, is unfinished or may be resumed."""
    run = world.runs[number]
    flow = flow_of(world, number)
    if run.is_task and flow is not None:
        return is_needed(world, flow)
    open_states = FINAL if run.is_task else FINAL - {StateType.CRASHED}
    above = parent_of(world, number)
    return run.state not in open_states or (above is not None and is_needed(world, above))


def is_spent(world: World, number: int) -> bool:
    """Whether it is an item by which no generator can go on any more."""
    flow = flow_of(world, number)
    ended_well = (StateType.COMPLETED, StateType.CANCELLED)
    return is_item(world, number) and flow is not None and world.runs[flow].state in ended_well


def breaks_a_limit(world: World, number: int) -> bool:
    run = world.runs[number]
    kind, limit = run.retention or (None, 0)
    kept = {kind: limit} if kind is not None else world.limits

    def group(other: int) -> object:
        if world.runs[other].retention is not None:
            return "own", other % 2
        return "default"

    def counted(other: int) -> tuple[object, int]:
        if world.runs[other].retention is not None:
            return ("own", other % 2), other
        root = root_of(world, other)
        return ("task" if root is None else root % 2), other if root is None else root

    results = [other for other, each in enumerate(world.runs) if each.place is not None]
    if "age" in kept and run.age > kept["age"]:
        return True
    if "runs" in kept:
        of, own = counted(number)
        if (
            len({counted(other)[1] for other in results if counted(other)[0] == of and counted(other)[1] >= own})
            > kept["runs"]
        ):
            return True
    if "size" in kept:
        newer = [other for other in results if other >= number and group(other) == group(number)]
        sizes = sum(world.runs[other].size for other in newer if is_newest_of_its_place(world, other))
        return sizes > kept["size"]
    return False


def is_newest_of_its_place(world: World, number: int) -> bool:
    return not any(run.place == world.runs[number].place for run in world.runs[number + 1 :])


def size_at(world: World, place: int | None) -> int:
    """What the newest result at a place says of its size."""
    return [run.size for run in world.runs if run.place == place][-1]


def may_go(world: World, number: int) -> bool:
    """Whether nothing that stays needs this very result."""
    run = world.runs[number]
    is_asked_for = run.doomed is not None or is_spent(world, number) or breaks_a_limit(world, number)
    if is_needed(world, number) or not is_asked_for:
        return False
    if run.doomed is None and run.is_cached and not run.is_cache_expired:
        return False
    users = [other for other, each in enumerate(world.runs) if each.source == number and not is_item(world, other)]
    return not any(is_needed(world, user) for user in users)


def expected(world: World) -> tuple[set[str], set[str]]:
    """What is doomed afterwards, and what of it may be removed at once."""
    doomed, due = set(), set()
    for place in {run.place for run in world.runs} - {None}:
        all_here = [number for number, run in enumerate(world.runs) if run.place == place]
        go_together = all(may_go(world, number) for number in all_here)
        for number in all_here:
            ago = world.runs[number].doomed
            if go_together or ago is not None:
                doomed.add(name(number))
            if go_together and ago == 20 and not any(world.runs[other].doomed != 20 for other in all_here):
                due.add(name(number))
    return doomed, due


@pytest.fixture(scope="module")
def orchestrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedOrchestrator]:
    orchestrator = EmbeddedOrchestrator(tmp_path_factory.mktemp("home") / Path("perdure.db"))
    yield orchestrator
    orchestrator.close()


@pytest.fixture(scope="module")
def on_postgresql(postgresql: str) -> Iterator[EmbeddedOrchestrator]:
    with new_database(postgresql) as url:
        orchestrator = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=10))
        yield orchestrator
        orchestrator.close()


def emptied(orchestrator: EmbeddedOrchestrator) -> EmbeddedOrchestrator:
    for table in ("flow_run", "task_run", "state", "result", "cache_entry", "run_input"):
        orchestrator._writer.execute(f"DELETE FROM {table}", ())
    return orchestrator


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds)
def test_what_is_pending_deletion_and_removed_is_what_the_rules_say(
    orchestrator: EmbeddedOrchestrator, world: World
) -> None:
    check(orchestrator, world)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(worlds)
def test_it_is_the_same_on_postgresql(on_postgresql: EmbeddedOrchestrator, world: World) -> None:
    check(on_postgresql, world)


def check(orchestrator: EmbeddedOrchestrator, world: World) -> None:
    emptied(orchestrator).commit(records_of(world))
    pruning = orchestrator.pruning()
    try:
        planned = pruning.doom(json.dumps(world.limits), NOW, BEFORE, dry_run=True)
        assert pruning.doom(json.dumps(world.limits), NOW, BEFORE) == planned
        due = {each.run_id for page in pruning.removable(BEFORE) for each in page}
    finally:
        pruning.close()
    doomed = {each.run_id for each in orchestrator.results(ResultFilter(doomed=True))}
    assert (doomed, due) == expected(world)
    places = {world.runs[int(id)].place for id in due}
    assert sum(each.documents for each in planned if each.is_due) == len(places)
    assert sum(each.size for each in planned if each.is_due) == sum(size_at(world, place) for place in places)
