"""Deployments by the names and calls that users of Prefect write."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from perdure import flow, get_client, session
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import QueueFilter
from perdure.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
from perdure.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
)
from perdure.client.schemas.objects import ConcurrencyLimitConfig
from perdure.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
from perdure.deployments import Deployment, DeploymentError, DeploymentMissing, deploy, run_deployment, serve
from perdure.records import RunFilter
from perdure.schedules import Cron, Interval, InvalidSchedule, RRule
from perdure.states import Scheduled
from tests.deployments import deployed

NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def known():
    return session.current().orchestrator


def ticks(schedule: Any, count: int = 2) -> list[str]:
    return [f"{tick:%m-%d %H:%M}" for tick in schedule.upcoming(count, NEW_YEAR)]


@pytest.mark.parametrize(
    ("schedule", "coming"),
    [
        (CronSchedule(cron="0 6 * * *", timezone="Europe/Oslo"), ["01-01 05:00", "01-02 05:00"]),
        (CronSchedule("0 0 13 * 5", day_or=True), ["01-04 00:00", "01-11 00:00"]),
        (CronSchedule("0 0 13 * 5", day_or=False), ["09-13 00:00", "12-13 00:00"]),
        (
            IntervalSchedule(interval=timedelta(hours=1), anchor_date=datetime(2020, 1, 1, 0, 30)),
            ["01-01 00:30", "01-01 01:30"],
        ),
        (IntervalSchedule(interval=86400, timezone="America/New_York"), ["01-01 05:00", "01-02 05:00"]),
        (RRuleSchedule(rrule="FREQ=DAILY;BYHOUR=7", timezone="Europe/Oslo"), ["01-01 06:00", "01-02 06:00"]),
        (Cron("0 6 * * *", "Europe/Oslo"), ["01-01 05:00", "01-02 05:00"]),
        (RRule("FREQ=DAILY;BYHOUR=7", "Europe/Oslo"), ["01-01 06:00", "01-02 06:00"]),
    ],
)
def test_a_schedule_comes_when_it_says(schedule: Any, coming: list[str]) -> None:
    assert ticks(schedule) == coming


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_schedules_are_under_the_servers_path_too() -> None:
    from perdure._server.schemas import schedules

    assert (schedules.CronSchedule, schedules.RRuleSchedule) == (CronSchedule, RRuleSchedule)
    assert schedules.IntervalSchedule is IntervalSchedule


def test_a_cron_expression_of_days_that_are_both_keeps_that_when_it_is_kept(known) -> None:
    of = deployed.report.deploy("nightly", schedule=CronSchedule("0 0 13 * 5", day_or=False))
    assert json.loads(known.deployments.schedules(of.id)[0].definition)["day_or"] is False
    (seen,) = get_client(sync_client=True).read_deployment(of.id).schedules
    assert ticks(seen) == ["09-13 00:00", "12-13 00:00"]


def test_days_that_no_month_has_are_refused() -> None:
    with pytest.raises(InvalidSchedule, match="cannot be read"):
        CronSchedule("0 0 30 2 1", day_or=False)


def test_a_schedule_that_is_not_active_is_paused_until_somebody_resumes_it(known) -> None:
    of = deployed.report.deploy("nightly", schedules=[Interval(600, active=False, parameters={"x": 2}, slug="often")])
    (kept,) = known.deployments.schedules(of.id)
    assert kept.paused is not None
    assert "paused" not in json.loads(kept.definition)
    known.deployments.pause_schedule(of.id, "often", None)
    deployed.report.deploy("nightly", schedules=[Interval(600, active=False, slug="often")])
    assert known.deployments.schedules(of.id)[0].paused is None


def test_build_from_flow_makes_a_deployment_when_it_is_applied(known) -> None:
    made = Deployment.build_from_flow(
        flow=deployed.report,
        name="nightly",
        parameters={"x": 3},
        schedule=CronSchedule(cron="0 6 * * *"),
        tags=["prod"],
        version="7",
        work_pool_name="batch",
        work_queue_name="gpu",
        is_schedule_active=False,
        infra_overrides={"env": {"A": "1"}},
    )
    assert not known.deployments.all()
    of = made.apply()
    definition = definition_of_text(of.definition)
    assert (definition.parameters, definition.tags, definition.flow_version) == ({"x": 3}, ("prod",), "7")
    assert (of.work_pool, of.work_queue, definition.job) == ("batch", "gpu", {"env": {"A": "1"}})
    assert of.paused is not None
    assert len(known.deployments.schedules(of.id)) == 1


def test_in_coroutines_deployments_are_made_with_and_without_await(known) -> None:
    async def make() -> None:
        made = await Deployment.build_from_flow(deployed.report, "a")
        assert (await made.apply()).name == "a"
        await deployed.report.deploy("b")
        deployed.report.deploy("c")
        assert [each.name for each in await deploy(deployed.report.to_deployment("d"), work_pool_name="p")] == ["d"]

    asyncio.run(make())
    assert [each.name for each in known.deployments.all()] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"image": "me/x:1"}, "builds no images.*build=False"),
        ({"image": "me/x:1", "build": True}, "builds no images"),
        ({"push": True}, "pushes no images"),
        ({"triggers": ["any"]}, "perdure.automations"),
        ({"enforce_parameter_schema": False}, "always checked"),
        ({"infrastructure": object()}, "job_variables"),
        ({"storage": object()}, "from_source"),
    ],
)
def test_what_there_is_not_is_refused_with_what_to_do(options: dict[str, Any], says: str, known) -> None:
    with pytest.raises(DeploymentError, match=says):
        deployed.report.deploy("nightly", **options)
    assert not known.deployments.all()


@pytest.mark.parametrize("option", ["pause_on_shutdown", "webserver"])
def test_serve_refuses_what_it_has_not(option: str) -> None:
    with pytest.raises(DeploymentError, match=option):
        serve(deployed.report.to_deployment("nightly"), **{option: True})
    with pytest.raises(DeploymentError, match=option):
        deployed.report.serve("nightly", **{option: True})


def test_an_unknown_option_is_named_with_the_nearest_one() -> None:
    with pytest.raises(TypeError, match=r"'is_schedule_activ'.*is_schedule_active"):
        deployed.report.to_deployment("nightly", is_schedule_activ=True)


def test_options_that_change_nothing_are_accepted(known) -> None:
    of = deployed.report.deploy(
        "nightly", work_pool_name="p", image="me/x:1", build=False, push=False, triggers=[], ignore_warnings=True
    )
    assert definition_of_text(of.definition).job == {"image": "me/x:1"}


@pytest.mark.parametrize(("strategy", "overlap"), [("ENQUEUE", "queue"), ("CANCEL_NEW", "skip")])
def test_a_collision_strategy_is_an_overlap_policy(strategy: str, overlap: str) -> None:
    of = deployed.report.deploy("nightly", concurrency_limit=ConcurrencyLimitConfig(2, strategy))
    assert (of.concurrency_limit, of.overlap) == (2, overlap)


# Runs


@flow
def asks() -> str:
    return str(run_deployment("report/nightly", {"x": 2}, timeout=0).id)


@flow
async def asks_in_coroutines() -> str:
    run = await run_deployment("report/nightly", {"x": 2}, timeout=0, as_subflow=False)
    return str(run.id)


def test_a_flow_asks_for_a_run_in_plain_code_and_in_coroutines(known) -> None:
    deployed.report.deploy("nightly")
    ids = [asks(), asyncio.run(asks_in_coroutines())]
    assert [json.loads(run.parameters)["x"] for run in known.flow_runs(RunFilter(ids=tuple(ids)))] == [2, 2]


def test_the_run_that_is_returned_has_its_state_and_result(known) -> None:
    deployed.report.deploy("nightly")
    waiting = run_deployment("report/nightly", {"x": 2}, timeout=0, idempotency_key="one")
    assert waiting.state.is_scheduled()
    deployed.report.with_options(persist_result=True).resume(waiting.id)
    ended = run_deployment("report/nightly", idempotency_key="one", timeout=5)
    assert (ended.id, ended.state.is_completed(), ended.state.result()) == (waiting.id, True, "4")


def test_a_flow_that_is_tried_again_waits_for_the_run_that_it_asked_for_before(known) -> None:
    deployed.report.deploy("nightly")
    made: list[str] = []

    @flow(retries=1)
    def twice() -> None:
        made.append(run_deployment("report/nightly", timeout=0).id)
        made.append(run_deployment("report/nightly", timeout=0).id)
        if len(made) == 2:
            raise ValueError("again")

    twice()
    assert made[:2] == made[2:]
    assert made[0] != made[1]


def test_a_run_that_failed_is_made_again_when_its_asker_is_tried_again(known) -> None:
    from perdure import cancel_flow_run

    deployed.report.deploy("nightly")
    made: list[str] = []

    @flow(retries=1)
    def asker() -> None:
        made.append(run_deployment("report/nightly", timeout=0).id)
        if len(made) == 1:
            cancel_flow_run(made[0])
            raise ValueError("again")

    asker()
    assert made[0] != made[1]


# The client


def test_the_client_makes_runs_of_deployments(known) -> None:
    of = deployed.report.deploy("nightly")
    client = get_client(sync_client=True)
    later = datetime.now(UTC) + timedelta(hours=1)
    run = client.create_flow_run_from_deployment(
        of.id, parameters={"x": 5}, state=Scheduled(scheduled_time=later), name="by hand", tags=["t"]
    )
    assert (run.name, run.tags, run.parameters, run.state_name) == ("by hand", ["t"], {"x": 5}, "Scheduled")
    (place,) = known.deployments.queued(QueueFilter())
    assert place.due == int(later.timestamp() * 1_000_000)
    with pytest.raises(DeploymentMissing):
        client.create_flow_run_from_deployment("00000000-0000-0000-0000-000000000000")


def test_the_client_reads_deployments_by_filters() -> None:
    deployed.report.deploy("nightly", tags=["prod"], cron="0 6 * * *", parameters={"x": 1}, work_pool="batch")
    deployed.report.deploy("hourly")
    deployed.slow.deploy("nightly", paused=True)
    client = get_client(sync_client=True)

    def names(**wanted: Any) -> list[str]:
        return [f"{each.flow_name}/{each.name}" for each in client.read_deployments(**wanted)]

    nightly = DeploymentFilter(name=DeploymentFilterName(any_=["nightly"]))
    assert names() == ["report/hourly", "report/nightly", "slow/nightly"]
    assert names(deployment_filter=nightly) == ["report/nightly", "slow/nightly"]
    assert names(deployment_filter=nightly, flow_filter={"name": {"any_": ["slow"]}}) == ["slow/nightly"]
    assert names(deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=["prod"]))) == ["report/nightly"]
    assert names(deployment_filter={"paused": {"eq_": True}}) == ["slow/nightly"]
    assert names(limit=1, offset=1) == ["report/nightly"]
    one = client.read_deployment_by_name("report/nightly")
    assert (one.parameters, one.tags, one.work_pool_name, one.paused) == ({"x": 1}, ["prod"], "batch", False)
    assert one.entrypoint == "tests.deployments.deployed:report"
    assert {pool.name for pool in client.read_work_pools()} == {"batch", "default"}
    with pytest.raises(ValueError, match="is not known"):
        names(deployment_filter={"flow_run": {"any_": ["x"]}})


def test_the_client_pauses_and_changes_deployments(known) -> None:
    of = deployed.report.deploy("nightly", cron="0 6 * * *")
    client = get_client(sync_client=True)
    client.set_deployment_paused_state(of.id, True)
    assert client.read_deployment(of.id).paused
    client.update_deployment(of, is_schedule_active=True)
    assert not client.read_deployment(of.id).paused
    schedules = [DeploymentScheduleCreate(schedule=Interval(60), active=True)]
    client.update_deployment(of.id, DeploymentUpdate(parameters={"x": 9}, schedules=schedules))
    now = client.read_deployment(of.id)
    assert (now.parameters, [each.slug for each in now.schedules], now.version) == ({"x": 9}, ["interval"], "2")
    with pytest.raises(DeploymentError, match="cannot be changed"):
        client.update_deployment(of.id, {"entrypoint": "x.py:f"})
    client.delete_deployment(of.id)
    assert not known.deployments.all()


def test_in_coroutines_the_client_is_awaited() -> None:
    async def use() -> list[str]:
        await deployed.report.deploy("nightly", cron="0 6 * * *")
        async with get_client() as client:
            (one,) = await client.read_deployments(deployment_filter={"name": {"any_": ["nightly"]}})
            await client.set_deployment_paused_state(one.id, paused=True)
            await client.update_deployment(one.id, DeploymentUpdate(paused=False))
            run = await client.create_flow_run_from_deployment(one.id, parameters={"x": 2})
            return [one.name, run.state_name, (await client.read_deployment(one.id)).name]

    assert asyncio.run(use()) == ["nightly", "Scheduled", "nightly"]


def test_flow_runs_are_found_by_when_they_are_due() -> None:
    now, client = datetime.now(UTC), get_client(sync_client=True)
    deployed.report.deploy("nightly")
    for name, hours in (("first", 0), ("second", 6)):
        state = Scheduled(scheduled_time=now + timedelta(hours=hours))
        client.create_flow_run_from_deployment("report/nightly", name=name, state=state)

    def due(after: int | None, before: int | None, **more: Any) -> list[str]:
        hours = {"after_": after, "before_": before}
        bounds = {name: None if at is None else now + timedelta(hours=at) for name, at in hours.items()}
        filter = FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime(**bounds), **more)
        return sorted(run.name for run in client.read_flow_runs(flow_run_filter=filter))

    assert (due(None, 1), due(1, None), due(-1, 7)) == (["first"], ["second"], ["first", "second"])
    assert (due(None, -1), due(7, None)) == ([], [])
    ids = [run.id for run in client.read_flow_runs()]
    assert due(1, None, id={"any_": ids}) == ["second"]
