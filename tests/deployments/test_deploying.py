"""Deployments as they are kept, and the runs that are made of them; nothing is started here."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from perdure import flow, session
from perdure._engine.recovery.lost_runs import end_lost, lost_runs
from perdure._platform.clock import from_datetime, system_clock
from perdure._platform.ids import new_id
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.due_runs import make_due_runs, resume_schedules, upcoming
from perdure._rooms.deployments.port import QueueFilter, WorkerRecord
from perdure._rooms.events.port import EventFilter
from perdure.deployments import Bundle, deploy, run_deployment, serve
from perdure.errors import DeploymentError, DeploymentMissing, OrchestratorError, ParameterTypeError
from perdure.partitions import InvalidPartition, daily, static
from perdure.records import NOBODY, RunFilter
from perdure.schedules import Cron, Interval
from perdure.states import StateType
from tests.deployments import deployed


@pytest.fixture
def known():
    return session.current().orchestrator


def at(*parts: int) -> int:
    return from_datetime(datetime(*parts, tzinfo=UTC))


def seen_at(known, of, moment: int) -> None:
    """Have a deployment's schedules be seen up to a moment in the future: tests say what time it is."""
    resume_schedules(known.deployments.schedules(of.id), moment, known)


def test_a_deployment_says_where_its_flow_is_and_what_it_takes(known):
    of = deployed.report.deploy("nightly", parameters={"x": 3}, tags=["a"], description="text")
    definition = definition_of_text(of.definition)
    assert definition.entry_point["target"] == "tests.deployments.deployed:report"
    assert definition.parameters == {"x": 3}
    assert definition.schema["properties"]["x"] == {"title": "x", "type": "integer", "default": 1}
    assert (definition.tags, definition.description) == (("a",), "text")
    assert known.deployments.named("report", "nightly") == of


def test_the_same_deploy_twice_is_one_version(known):
    first = deployed.report.deploy("nightly", parameters={"x": 3})
    again = deployed.report.deploy("nightly", parameters={"x": 3})
    other = deployed.report.deploy("nightly", parameters={"x": 4})
    assert (first.version, again.version, other.version) == (1, 1, 2)
    assert first.id == other.id


def test_parameters_stay_in_the_order_of_the_signature_and_make_no_version_by_it(known):
    of = deployed.ordered.deploy("nightly")
    definition = definition_of_text(of.definition)
    assert list(definition.schema["properties"]) == ["when", "amount", "also"]
    schema = {**definition.schema, "properties": dict(sorted(definition.schema["properties"].items()))}
    assert replace(definition, schema=schema).digest == definition.digest


def test_schedules_that_are_not_given_stay_and_an_empty_list_removes_them(known):
    of = deployed.report.deploy("nightly", cron="0 6 * * *")
    deployed.report.deploy("nightly", parameters={"x": 2})
    assert len(known.deployments.schedules(of.id)) == 1
    deployed.report.deploy("nightly", schedules=[])
    assert not known.deployments.schedules(of.id)


def test_several_schedules_of_one_kind_have_slugs_of_their_own(known):
    of = deployed.report.deploy("nightly", cron=["0 6 * * *", "0 18 * * *"], interval=60)
    assert [each.slug for each in known.deployments.schedules(of.id)] == ["cron", "cron-2", "interval"]


def test_a_flow_that_no_other_process_finds_is_not_deployed():
    @flow
    def inside() -> None:
        pass

    with pytest.raises(DeploymentError, match="inside a function"):
        inside.deploy("nightly")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"parameters": {"y": 1}}, "no parameter 'y'"),
        ({"parameters": {"x": "many"}}, "x: 'many' is not of type 'integer'"),
        ({"parameters": {"day": object()}}, "JSON cannot hold"),
        ({"overlap": "never"}, "overlap="),
        ({"concurrency_limit": 0}, "concurrency_limit="),
        ({"cron": "every day"}, "cannot be read"),
        ({"schedules": "0 6 * * *"}, "is no schedule"),
        ({"schedules": ["0 6 * * *"]}, "is no schedule"),
        ({"priority": "high"}, "priority="),
        ({"tags": "night"}, "tags="),
        ({"source": Bundle(exclude="data")}, "exclude="),
    ],
)
def test_a_wrong_option_is_refused_with_its_reason(options, says, known):
    with pytest.raises((ValueError, TypeError), match=says):
        deployed.report.deploy("nightly", **options)
    assert not known.deployments.all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cron": "0 6 * * *"}, "'cron' would make no run.*'a' is a required property"),
        ({"schedules": [Cron("0 6 * * *", parameters={"a": "x"}, slug="early")]}, "'early' would make no run.*integer"),
        ({"schedules": [Cron("0 6 * * *", parameters={"a": 1, "z": 1})]}, "no parameter 'z'"),
    ],
)
def test_a_schedule_whose_runs_the_flow_could_not_be_called_with_is_refused(options, says, known):
    with pytest.raises(ParameterTypeError, match=says):
        deployed.needs.deploy("one", **options)
    assert not known.deployments.all()


def test_a_schedule_may_give_what_the_deployment_leaves_out_or_be_paused(known):
    given = Cron("0 6 * * *", parameters={"a": 1}, slug="given")
    filled = Cron("0 6 * * *", parameters={"a": "{partition}"}, slug="filled")
    paused = Cron("0 6 * * *", paused=True, slug="paused")
    of = deployed.needs.deploy("one", schedules=[given, filled, paused])
    assert {each.slug for each in known.deployments.schedules(of.id)} == {"given", "filled", "paused"}


@pytest.mark.parametrize(
    ("serving", "says"),
    [
        (lambda: serve(deployed.report.to_deployment("one"), limit=0), "limit="),
        (lambda: serve(deployed.report), "no deployment to serve"),
    ],
)
def test_what_would_serve_nothing_is_refused(serving, says):
    with pytest.raises(DeploymentError, match=says):
        serving()


def test_a_name_with_a_slash_is_refused():
    with pytest.raises(DeploymentError, match="without '/'"):
        deployed.report.deploy("a/b")


def test_a_run_waits_as_scheduled_with_its_parameters(known):
    deployed.report.deploy("nightly", parameters={"x": 3}, tags=["a"])
    run = run_deployment("report/nightly", {"day": "today"}, timeout=0, tags=["b"])
    assert (run.state_type, run.state_name) == (StateType.SCHEDULED, "Scheduled")
    assert run.parameters == {"x": 3, "day": "today"}
    assert run.tags == ["a", "b"]
    (place,) = known.deployments.queued(QueueFilter())
    assert (place.flow_run_id, place.work_pool, place.phase) == (run.id, "default", "waiting")


@pytest.mark.parametrize(
    ("parameters", "says"),
    [({}, "'a' is a required property"), ({"a": "x"}, "not of type 'integer'"), ({"a": 1, "z": 1}, "no parameter 'z'")],
)
def test_parameters_that_the_flow_does_not_take_make_no_run(parameters, says, known):
    deployed.needs.deploy("one")
    with pytest.raises(ParameterTypeError, match=says):
        run_deployment("needs/one", parameters, timeout=0)
    assert not known.flow_runs(RunFilter())


def test_a_deployment_is_found_by_its_own_name_if_no_other_has_it():
    deployed.report.deploy("nightly")
    assert run_deployment("nightly", timeout=0).flow_name == "report"
    deployed.slow.deploy("nightly")
    with pytest.raises(DeploymentMissing, match="report/nightly, slow/nightly"):
        run_deployment("nightly", timeout=0)
    with pytest.raises(DeploymentMissing, match="report/nightly"):
        run_deployment("report/nightli", timeout=0)


def test_runs_with_one_idempotency_key_are_one(known):
    deployed.report.deploy("nightly")
    first = run_deployment("report/nightly", timeout=0, idempotency_key="order 1")
    again = run_deployment("report/nightly", timeout=0, idempotency_key="order 1")
    assert first.id == again.id
    assert len(known.flow_runs(RunFilter())) == 1


def test_a_tick_becomes_one_run_however_often_one_looks(known):
    of = deployed.report.deploy("nightly", schedule=Interval(600, slug="often"))
    seen_at(known, of, at(2030, 1, 1))
    for _ in range(3):
        make_due_runs(at(2030, 1, 1, 0, 10), known)
    (run,) = known.flow_runs(RunFilter())
    assert run.name == "nightly 2030-01-01T00:10:00Z"


def test_a_tick_whose_run_the_database_could_not_take_is_made_at_the_next_look(known, monkeypatch):
    of = deployed.report.deploy("nightly", schedule=Interval(600))
    seen_at(known, of, at(2030, 1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(known.deployments, "enqueue", Mock(side_effect=OrchestratorError("it is away")))
        with pytest.raises(OrchestratorError, match="it is away"):
            make_due_runs(at(2030, 1, 1, 0, 10), known)
    make_due_runs(at(2030, 1, 1, 0, 10), known)
    assert [place.tick for place in known.deployments.queued(QueueFilter())] == [at(2030, 1, 1, 0, 10)]


@pytest.mark.parametrize(
    "change",
    [{"timezone": "Mars/Olympus"}, {"interval": "often"}, {"rrule": "FREQ=NEVER"}],
    ids=lambda change: str(change),
)
def test_a_schedule_that_cannot_be_read_here_is_an_event_once_and_keeps_no_other_from_making_runs(known, change):
    bad, good = (deployed.report.deploy(name, work_pool="batch", schedule=Interval(60)) for name in ("bad", "good"))
    (record,) = known.deployments.schedules(bad.id)
    kept = {**json.loads(record.definition), **change}
    if "rrule" in change:
        del kept["interval"]
    known.deployments.put_schedules([record._replace(definition=json.dumps(kept), due=1)], bad.id)
    now = system_clock()
    for minutes in (1, 2, 3):
        make_due_runs(now + minutes * 60_000_000, known)
    assert len(known.deployments.queued(QueueFilter(deployment_id=good.id))) == 3
    (event,) = known.services.events(EventFilter(kind="schedule.failed"))
    assert json.loads(event.payload)["deployment"] == "report/bad"
    assert upcoming(known.deployments.schedules(), 2, now)
    known.deployments.put_schedules([record], bad.id)  # where it can be read, what was missed is as its policy says
    make_due_runs(now + 240_000_000, known)
    assert len(known.deployments.queued(QueueFilter(deployment_id=bad.id))) == 1


def test_a_deploy_between_two_looks_makes_no_tick_twice(known):
    of = deployed.report.deploy("nightly", schedule=Interval(600))
    seen_at(known, of, at(2030, 1, 1))
    for minute in range(10, 60):
        make_due_runs(at(2030, 1, 1, 0, minute), known)
        deployed.report.deploy("nightly", schedule=Interval(600), parameters={"x": minute})
    ticks = [place.tick for place in known.deployments.queued(QueueFilter())]
    assert sorted(ticks) == [at(2030, 1, 1, 0, minute) for minute in range(10, 60, 10)]


def test_what_a_schedule_missed_is_an_event_with_its_count(known):
    of = deployed.report.deploy("nightly", schedule=Interval(600, catchup="none"))
    seen_at(known, of, at(2030, 1, 1))
    make_due_runs(at(2030, 1, 1, 1, 5), known)
    assert not known.flow_runs(RunFilter())
    from perdure._rooms.events.port import EventFilter

    (event,) = known.services.events(EventFilter(kind="schedule.missed"))
    assert json.loads(event.payload)["ticks"] == 6
    make_due_runs(at(2030, 1, 1, 1, 5), known)
    assert len(known.services.events(EventFilter(kind="schedule.missed"))) == 1


def test_a_paused_deployment_makes_no_runs_and_misses_none_once_it_is_resumed(known):
    of = deployed.report.deploy("nightly", schedule=Interval(600, catchup="all", catchup_window=timedelta(days=1)))
    seen_at(known, of, at(2030, 1, 1))
    known.deployments.pause(of.id, at(2030, 1, 1))
    make_due_runs(at(2030, 1, 1, 5), known)
    resume_schedules(known.deployments.schedules(of.id), at(2030, 1, 1, 5), known)
    known.deployments.pause(of.id, None)
    make_due_runs(at(2030, 1, 1, 5, 10), known)
    assert [place.tick for place in known.deployments.queued(QueueFilter())] == [at(2030, 1, 1, 5, 10)]


def test_a_schedules_parameters_go_over_those_of_its_deployment(known):
    of = deployed.report.deploy("nightly", parameters={"x": 1, "day": "d"}, schedule=Interval(600, parameters={"x": 9}))
    seen_at(known, of, at(2030, 1, 1))
    make_due_runs(at(2030, 1, 1, 0, 10), known)
    assert json.loads(known.flow_runs(RunFilter())[0].parameters) == {"x": 9, "day": "d"}


def test_a_parameter_may_stand_for_the_time_and_the_partition(known):
    of = deployed.report.deploy(
        "nightly", parameters={"day": "{partition} {partition.start}"}, cron="0 6 * * *", partitions=daily("2029-01-01")
    )
    seen_at(known, of, at(2030, 1, 1))
    make_due_runs(at(2030, 1, 1, 6), known)
    (run,) = known.flow_runs(RunFilter())
    assert json.loads(run.parameters)["day"] == "2029-12-31 2029-12-31T00:00:00+00:00"
    assert run.name == "nightly 2029-12-31"


def test_a_tick_of_static_partitions_makes_a_run_of_each(known):
    of = deployed.report.deploy("nightly", cron="0 6 * * *", partitions=static("no", "se"))
    seen_at(known, of, at(2030, 1, 1))
    make_due_runs(at(2030, 1, 1, 6), known)
    make_due_runs(at(2030, 1, 1, 6), known)
    assert sorted(place.partition for place in known.deployments.queued(QueueFilter())) == ["no", "se"]


def test_a_partition_that_there_is_not_is_refused():
    deployed.report.deploy("nightly", partitions=static("no", "se"))
    with pytest.raises(InvalidPartition, match="'dk'"):
        run_deployment("nightly", partition="dk", timeout=0)
    deployed.slow.deploy("plain")
    with pytest.raises(DeploymentError, match="no partitions"):
        run_deployment("plain", partition="dk", timeout=0)


def test_upcoming_ticks_are_computed_and_not_kept(known):
    of = deployed.report.deploy("nightly", schedules=[Cron("0 6 * * *", slug="a"), Cron("0 7 * * *", slug="b")])
    coming = upcoming(known.deployments.schedules(of.id), 3, at(2030, 1, 1))
    assert [(tick.hour, record.slug) for tick, record in coming] == [(6, "a"), (7, "b"), (6, "a")]
    assert not known.deployments.queued(QueueFilter())


def test_runs_that_wait_count_as_nobodys_and_not_as_lost(known):
    deployed.report.deploy("nightly")
    run_deployment("nightly", timeout=0)
    world = session.current()
    assert not list(lost_runs(world))
    assert not end_lost(world)
    assert known.flow_runs(RunFilter())[0].state_type is StateType.SCHEDULED


def test_a_run_that_waits_is_cancelled_at_once():
    from perdure import cancel_flow_run

    deployed.report.deploy("nightly")
    run = run_deployment("nightly", timeout=0)
    cancel_flow_run(run.id)
    again = session.current().orchestrator.flow_runs(RunFilter(ids=(run.id,)))[0]
    assert again.state_type is StateType.CANCELLED


def test_a_run_that_waits_is_begun_by_whoever_resumes_it_first(known):
    deployed.report.deploy("nightly", parameters={"x": 3, "day": "today"})
    run = run_deployment("nightly", timeout=0)
    assert deployed.report.resume(run.id) == "6 today"
    after = known.flow_runs(RunFilter(ids=(run.id,)))[0]
    assert (after.state_type, after.run_count) == (StateType.COMPLETED, 1)
    assert [state.name for state in known.states(run.id)] == ["Scheduled", "Pending", "Running", "Completed"]
    assert known.start(run.id).process_id != NOBODY


def test_a_waiting_run_is_not_taken_by_a_call_that_resumes_crashed_ones(known, tmp_path):
    (tmp_path / "died").touch()
    deployed.dies_once.deploy("one", parameters={"folder": str(tmp_path)})
    run = run_deployment("one", timeout=0)
    assert deployed.dies_once(str(tmp_path)) == "survived"
    assert known.flow_runs(RunFilter(ids=(run.id,)))[0].state_type is StateType.SCHEDULED


def test_a_run_knows_its_deployment_its_time_and_its_partition(known):
    of = deployed.origin.deploy("nightly", cron="0 6 * * *", partitions=daily("2029-01-01"))
    seen_at(known, of, at(2030, 1, 1))
    make_due_runs(at(2030, 1, 1, 6), known)
    (run,) = known.flow_runs(RunFilter())
    assert deployed.origin.resume(run.id) == [
        "nightly",
        "1",
        "2030-01-01 06:00:00+00:00",
        "2029-12-31",
        "2029-12-31 00:00:00+00:00",
        "2030-01-01 00:00:00+00:00",
    ]


def test_a_run_keeps_the_version_that_it_was_made_with(known):
    of = deployed.origin.deploy("nightly")
    run = run_deployment("nightly", timeout=0)
    deployed.origin.deploy("nightly", tags=["new"])
    assert deployed.origin.resume(run.id)[:2] == ["nightly", "1"]
    assert known.deployments.one(of.id).version == 2


def test_deploying_to_another_pool_takes_waiting_runs_along(known):
    deploy(deployed.report.to_deployment("nightly"), work_pool="a")
    run_deployment("nightly", timeout=0)
    deploy(deployed.report.to_deployment("nightly"), work_pool="b")
    worker = WorkerRecord(new_id(), "w", "b", "process", "0", "here", 1, None, 0, 0, 0)
    assert len(known.deployments.claim(worker, 5, at(2100, 1, 1), at(2100, 1, 2))) == 1
