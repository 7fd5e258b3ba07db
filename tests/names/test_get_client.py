"""Runs are read by the calls that users of Prefect make."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import flow, get_client, tags, task
from perdure.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterName,
)
from perdure.client.schemas.responses import SetStateStatus
from perdure.errors import ClientError, RunMissing, SteeringError
from perdure.runtime import flow_run
from perdure.states import Cancelled, Cancelling, Completed


@task(persist_result=True)
def double(x: int) -> int:
    return 2 * x


@flow(flow_run_name="daily-{day}")
def daily(day: int) -> int:
    return double(day)


@flow(flow_run_name="fails")
def failing() -> None:
    raise ValueError("no")


@pytest.fixture
def runs() -> None:
    with tags("prod"):
        daily(1)
    daily(2)
    failing(return_state=True)


def names(**wanted: Any) -> list[str]:
    return [run.name for run in get_client(sync_client=True).read_flow_runs(**wanted)]


@pytest.mark.usefixtures("runs")
def test_flow_runs_are_listed_the_newest_first_by_page() -> None:
    assert names() == ["fails", "daily-2", "daily-1"]
    assert names(sort="START_TIME_ASC") == ["daily-1", "daily-2", "fails"]
    assert (names(limit=2), names(limit=1, offset=1), names(limit=0)) == (["fails", "daily-2"], ["daily-2"], [])


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (FlowRunFilter(name=FlowRunFilterName(any_=["daily-1", "fails"])), ["fails", "daily-1"]),
        (FlowRunFilter(name=FlowRunFilterName(like_="daily")), ["daily-2", "daily-1"]),
        (FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=["FAILED"]))), ["fails"]),
        ({"state": FlowRunFilterState(name=FlowRunFilterStateName(any_=["Completed"]))}, ["daily-2", "daily-1"]),
        (FlowRunFilter(tags=FlowRunFilterTags(all_=["prod"])), ["daily-1"]),
        ({"start_time": {"after_": datetime.now(UTC) + timedelta(days=1)}}, []),
        ({"id": {"any_": ["00000000-0000-0000-0000-000000000000"]}}, []),
    ],
)
def test_flow_runs_are_filtered(filter: Any, found: list[str]) -> None:
    assert names(flow_run_filter=filter) == found


@pytest.mark.usefixtures("runs")
def test_flow_runs_are_filtered_by_their_flow() -> None:
    assert names(flow_filter=FlowFilter(name=FlowFilterName(any_=["daily"]))) == ["daily-2", "daily-1"]
    assert names(flow_filter={"id": {"any_": ["daily", "failing"]}}, limit=2) == ["fails", "daily-2"]


def test_flows_are_found_by_the_names_that_prefect_gives_them_and_by_those_of_earlier_versions() -> None:
    @flow(name="monthly_report", flow_run_name="with underscores")
    def earlier() -> None: ...

    @flow(flow_run_name="with hyphens")
    def monthly_report() -> None: ...

    earlier()
    by_hyphens = FlowFilter(name=FlowFilterName(any_=["monthly-report"]))
    assert names(flow_filter=by_hyphens) == ["with underscores"]
    monthly_report()
    assert names(flow_filter=by_hyphens) == ["with hyphens", "with underscores"]


@pytest.mark.parametrize("filter", [{"nme": {"any_": ["x"]}}, {"state": {"type": {"not_any_": ["FAILED"]}}}])
def test_a_filter_that_is_not_known_is_refused(filter: Any) -> None:
    with pytest.raises(ValueError, match="is not known"):
        names(flow_run_filter=filter)


@pytest.mark.usefixtures("runs")
def test_a_flow_run_has_its_state_and_all_that_is_known_of_it() -> None:
    client = get_client(sync_client=True)
    (seen,) = client.read_flow_runs(flow_run_filter={"name": {"any_": ["daily-1"]}})
    run = client.read_flow_run(seen.id)
    assert (run.flow_name, run.tags, run.parameters, run.run_count) == ("daily", ["prod"], {"day": 1}, 1)
    assert run.state is not None
    assert (run.state_type, run.state_name, run.state.is_completed()) == ("COMPLETED", "Completed", True)
    assert run.start_time is not None
    assert run.end_time is not None
    assert run.total_run_time == run.end_time - run.start_time
    states = client.read_flow_run_states(run.id)
    assert [state.name for state in states] == ["Pending", "Running", "Completed"]
    assert states[-1].id == run.state.id


@pytest.mark.usefixtures("runs")
def test_task_runs_are_read_with_their_results() -> None:
    client = get_client(sync_client=True)
    of_first = client.read_task_runs(flow_run_filter={"name": {"any_": ["daily-1"]}})
    assert [run.state.result() for run in of_first if run.state is not None] == [2]
    assert client.read_task_run(of_first[0].id).task_name == "double"
    assert [state.name for state in client.read_task_run_states(of_first[0].id)][-1] == "Completed"
    assert len(client.read_task_runs()) == 2
    assert len(client.read_task_runs(task_run_filter=TaskRunFilter(name=TaskRunFilterName(any_=["double-0"])))) == 2
    assert client.read_task_runs(flow_run_filter={"name": {"any_": ["none"]}}) == []


@pytest.mark.usefixtures("runs")
def test_flows_are_listed_by_name() -> None:
    assert [each.name for each in get_client(sync_client=True).read_flows()] == ["daily", "failing"]


@pytest.mark.usefixtures("runs")
def test_a_run_that_is_not_there_or_of_the_other_kind_is_missing() -> None:
    client = get_client(sync_client=True)
    task_run = client.read_task_runs()[0].id
    for read, id in ((client.read_flow_run, task_run), (client.read_task_run, "none")):
        with pytest.raises(RunMissing):
            read(id)


def test_in_coroutines_runs_are_read_by_awaiting() -> None:
    daily(1)

    async def read() -> list[Any]:
        async with get_client() as client:
            (run,) = await client.read_flow_runs(limit=1)
            one, states = await client.read_flow_run(run.id), await client.read_flow_run_states(run.id)
            (below,) = await client.read_task_runs()
            same = await client.read_task_run(below.id)
            (of_task, *_) = await client.read_task_run_states(below.id)
            (kind,) = await client.read_flows()
            return [one.name, states[-1].name, same.name, of_task.name, kind.name]

    assert asyncio.run(read()) == ["daily-1", "Completed", "double-0", "Pending", "daily"]


@pytest.mark.slow
@pytest.mark.parametrize("state", [Cancelling(), Cancelled()])
def test_a_flow_run_is_cancelled_by_setting_its_state(state: Any) -> None:
    begun, ids, ended = threading.Event(), list[str](), list[Any]()

    @flow
    def waits() -> None:
        ids.append(str(flow_run.id))
        begun.set()
        while True:
            threading.Event().wait(0.02)

    thread = threading.Thread(target=lambda: ended.append(waits(return_state=True)))
    thread.start()
    assert begun.wait(30)
    answer = get_client(sync_client=True).set_flow_run_state(ids[0], state)
    thread.join(30)
    assert ended[0].is_cancelled()
    assert answer.status == SetStateStatus.ACCEPT
    assert answer.state is not None
    assert answer.state.is_cancelled()
    with pytest.raises(SteeringError):
        get_client(sync_client=True).set_flow_run_state(ids[0], state)


def test_no_other_state_is_set_from_outside() -> None:
    with pytest.raises(ClientError, match="comes to its states itself"):
        get_client(sync_client=True).set_flow_run_state("id", Completed())
