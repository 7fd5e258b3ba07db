"""What `perdure migrate --database` makes of deployments, schedules, work pools, and runs that have not begun."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prefect_database import PrefectDatabase, at

from perdure import session
from perdure._migration.takeover import Takeover, take_over
from perdure._rooms.deployments.definition import Definition, definition_of_text
from perdure._rooms.deployments.due_runs import resume_schedules
from perdure._rooms.deployments.port import Deployment, QueueFilter
from perdure._scheduling.schedule import schedule_of
from perdure.deployments import run_deployment
from perdure.records import RunFilter

PROGRAM = "from perdure import flow\n\n\n@flow\ndef market(day: int = 1) -> int:\n    return day\n"
NEW_YEAR = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[PrefectDatabase]:
    database = PrefectDatabase(tmp_path / "prefect.db")
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "flows.py").write_text(PROGRAM)
    yield database
    database.close()


@pytest.fixture
def known() -> Any:
    return session.current().orchestrator


def taken(prefect: PrefectDatabase, **options: Any) -> Takeover:
    return take_over(str(prefect.file), session.current().orchestrator, lambda *_: None, **options)


def found(name: str = "nightly") -> tuple[Deployment, Definition]:
    of = session.current().orchestrator.deployments.named("market", name)
    assert of is not None
    return of, definition_of_text(of.definition)


def counts(report: Takeover, of: str) -> tuple[int, ...]:
    """How many were in the source, known, new, updated, kept in the file, and are found."""
    return next(tuple(vars(each).values())[1:] for each in report.tallies if each.of == of)


def test_a_deployment_comes_with_what_its_runs_are_given(prefect: PrefectDatabase, tmp_path: Path, known):
    id = prefect.deployment(
        path=str(tmp_path / "jobs"),
        entrypoint="flows.py:market",
        parameters={"day": 3},
        tags=["prod"],
        description="Prices",
        version="7",
        concurrency_limit=2,
        concurrency_options={"collision_strategy": "CANCEL_NEW"},
        infra_overrides={"env.A": "1", "env.B": "2"},
        parameter_openapi_schema={"type": "object", "properties": {"day": {"type": "integer"}}},
    )
    report = taken(prefect)
    assert (report.is_whole, report.notes, counts(report, "deployments")) == (True, (), (1, 0, 1, 0, 0, 1))
    of, definition = found()
    assert (of.id, of.paused, of.concurrency_limit, of.overlap) == (id, None, 2, "skip")
    assert definition.entry_point["target"] == f"{tmp_path / 'jobs' / 'flows.py'}:market"
    assert (definition.parameters, definition.tags, definition.description) == ({"day": 3}, ("prod",), "Prices")
    assert (definition.flow_version, definition.job) == ("7", {"env": {"A": "1", "B": "2"}})
    assert json.loads(known.deployments.versions(id)[0].definition) == json.loads(of.definition)


def test_a_run_of_a_deployment_that_was_taken_over_runs(prefect: PrefectDatabase, tmp_path: Path, known):
    prefect.deployment(path=str(tmp_path / "jobs"), entrypoint="flows.py:market", parameters={"day": 3})
    taken(prefect)
    run = run_deployment("market/nightly", timeout=0)
    from perdure.flows import load_flow_from_entrypoint

    market = load_flow_from_entrypoint(json.loads(known.start(run.id).entry_point)["target"])
    assert market.resume(run.id) == 3


@pytest.mark.parametrize(
    ("schedule", "coming"),
    [
        ({"cron": "0 6 * * *", "timezone": "Europe/Berlin", "day_or": True}, "01-01 05:00"),
        ({"cron": "0 0 13 * 5", "timezone": None, "day_or": False}, "09-13 00:00"),
        ({"interval": 3600.0, "anchor_date": "2024-01-01T00:20:00.123456+00:00", "timezone": "UTC"}, "01-01 00:20"),
        ({"interval": 86400.0, "anchor_date": "2024-06-01T06:00:00+02:00", "timezone": "Europe/Oslo"}, "01-01 05:00"),
        ({"rrule": "FREQ=DAILY;BYHOUR=7;BYMINUTE=0", "timezone": "Europe/Oslo"}, "01-01 06:00"),
        ({"rrule": "DTSTART:20240101T073000\nRRULE:FREQ=WEEKLY;BYDAY=WE", "timezone": "UTC"}, "01-02 07:30"),
    ],
)
def test_a_schedule_comes_as_it_was(prefect: PrefectDatabase, schedule: dict[str, Any], coming: str, known):
    id = prefect.deployment()
    prefect.schedule(id, schedule)
    report = taken(prefect)
    assert counts(report, "deployment schedules") == (1, 0, 1, 0, 0, 1)
    (record,) = known.deployments.schedules(id)
    assert f"{schedule_of(json.loads(record.definition)).upcoming(1, NEW_YEAR)[0]:%m-%d %H:%M}" == coming


def test_several_schedules_have_their_slugs_parameters_and_pauses(prefect: PrefectDatabase, known):
    id = prefect.deployment()
    prefect.schedule(id, {"cron": "0 6 * * *"})
    prefect.schedule(id, {"cron": "0 7 * * *"}, active=0, created=at(1))
    prefect.schedule(id, {"cron": "0 8 * * *"}, slug="late", parameters={"day": 2}, created=at(2))
    taken(prefect)
    schedules = {each.slug: each for each in known.deployments.schedules(id)}
    assert len(schedules) == 3
    assert json.loads(schedules["late"].definition)["parameters"] == {"day": 2}
    assert [each.paused is not None for each in schedules.values()].count(True) == 1


def test_the_one_schedule_of_an_early_prefect_2_comes(prefect: PrefectDatabase, known):
    id = prefect.deployment(schedule={"cron": "0 6 * * *"}, is_schedule_active=0)
    assert taken(prefect).is_whole
    assert [each.slug for each in known.deployments.schedules(id)] == ["cron"]
    assert found()[0].paused is not None


def test_a_schedule_that_cannot_be_read_is_kept(prefect: PrefectDatabase, known):
    id = prefect.deployment()
    prefect.schedule(id, {"cron": "every day"})
    prefect.schedule(id, {"interval": 60.0})
    report = taken(prefect)
    assert (report.is_whole, counts(report, "deployment schedules")) == (True, (2, 0, 1, 0, 1, 1))


def test_work_pools_and_queues_come_with_limits_priorities_and_pauses(prefect: PrefectDatabase, known):
    variables = {"variables": {"properties": {"env": {"default": {"A": "1"}}, "working_dir": {"default": None}}}}
    pool = prefect.add(
        "work_pool",
        name="batch",
        type="process",
        is_paused=1,
        concurrency_limit=4,
        base_job_template=json.dumps(variables),
    )
    agents = prefect.add("work_pool", name="default-agent-pool", type="prefect-agent", is_paused=0)
    gpu = prefect.add("work_queue", name="gpu", priority=2, concurrency_limit=1, is_paused=0, work_pool_id=pool)
    plain = prefect.add("work_queue", name="default", priority=1, is_paused=0, work_pool_id=agents)
    prefect.deployment("one", work_queue_id=gpu)
    prefect.deployment("two", work_queue_id=plain)
    prefect.deployment("three")
    assert taken(prefect).is_whole
    pools = {each.name: each for each in known.deployments.pools()}
    batch = pools["batch"]
    assert (batch.type, batch.concurrency_limit, batch.paused is not None) == ("process", 4, True)
    assert json.loads(batch.template) == {"env": {"A": "1"}}
    assert pools["default-agent-pool"].type == "process"
    assert [(each.name, each.concurrency_limit) for each in known.deployments.queues("batch")] == [("gpu", 1)]
    places = [
        (each.work_pool, each.work_queue, each.priority) for each in (found(n)[0] for n in ("one", "two", "three"))
    ]
    assert places == [("batch", "gpu", 2), ("default-agent-pool", None, 1), ("serve:market/three", None, 100)]


def test_a_work_pool_that_no_worker_serves_is_named(prefect: PrefectDatabase, known):
    prefect.add("work_pool", name="images", type="nomad", is_paused=0)
    assert "images is of type nomad" in taken(prefect).notes[0]
    assert [each.type for each in known.deployments.pools()] == ["nomad"]


def test_what_jobs_of_a_pool_have_only_in_prefect_is_left_out_and_named(prefect: PrefectDatabase, known):
    properties = {"image": {"default": "team/flows:1"}, "stream_output": {"default": True}}
    template = json.dumps({"variables": {"properties": properties}})
    prefect.add("work_pool", name="images", type="docker", is_paused=0, base_job_template=template)
    assert "Jobs of images have no stream_output here" in taken(prefect).notes[0]
    assert [json.loads(each.template) for each in known.deployments.pools()] == [{"image": "team/flows:1"}]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({}, "has no entry point"),
        ({"entrypoint": "gone.py:market", "path": "/"}, "there is no gone.py in /"),
        ({"entrypoint": "flows.py:other", "path": "JOBS"}, "has no 'other' at its top level"),
        ({"entrypoint": "old.py:market", "path": "JOBS"}, "perdure migrate --write"),
        ({"entrypoint": "a.py:f", "pull_steps": [{"prefect_aws.deployments.steps.pull_from_s3": {}}]}, "pull_from_s3"),
        ({"entrypoint": "no_such.module:f"}, "there is no no_such.module"),
        (
            {"entrypoint": "a.py:f", "pull_steps": [{"prefect.deployments.steps.git_clone": {"repository": "/none"}}]},
            "cannot be fetched|No such file",
        ),
    ],
)
def test_a_deployment_whose_code_cannot_run_is_paused_with_the_reason(
    prefect: PrefectDatabase, tmp_path: Path, row: dict[str, Any], says: str
):
    (tmp_path / "jobs" / "old.py").write_text("from prefect import flow\n@flow\ndef market(): ...\n")
    prefect.deployment(**{key: str(tmp_path / "jobs") if value == "JOBS" else value for key, value in row.items()})
    report = taken(prefect)
    of, definition = found()
    assert of.paused is not None
    assert re.search(says, definition.description or "")
    assert re.search(says, report.notes[0])


@pytest.mark.parametrize(
    "row",
    [
        {
            "entrypoint": "flows.py:market",
            "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "JOBS"}}],
        },
        {"entrypoint": "jobs.flows:market", "path": "HERE"},
    ],
)
def test_code_is_found_by_working_directory_and_by_module(
    prefect: PrefectDatabase, tmp_path: Path, row: dict[str, Any]
):
    text = json.dumps(row).replace("JOBS", str(tmp_path / "jobs")).replace("HERE", str(tmp_path))
    prefect.deployment(**json.loads(text))
    assert taken(prefect).notes == ()
    assert found()[0].paused is None


def test_twice_is_once_and_what_was_changed_here_stays(prefect: PrefectDatabase, tmp_path: Path, known):
    id = prefect.deployment(path=str(tmp_path / "jobs"), entrypoint="flows.py:market", parameters={"day": 3})
    prefect.schedule(id, {"cron": "0 6 * * *"})
    taken(prefect)
    known.deployments.pause(id, 1)
    known.deployments.put_schedules([], id)
    prefect.change("UPDATE deployment SET parameters = '{\"day\": 4}'")
    report = taken(prefect)
    assert (report.is_whole, counts(report, "deployments")) == (True, (1, 1, 0, 0, 0, 1))
    of, definition = found()
    assert (of.paused, of.version, definition.parameters) == (1, 1, {"day": 3})
    assert not known.deployments.schedules(id)


def test_a_dry_run_makes_no_deployment(prefect: PrefectDatabase, known):
    prefect.schedule(prefect.deployment(), {"cron": "0 6 * * *"})
    report = taken(prefect, dry_run=True)
    assert counts(report, "deployments")[:3] == (1, 0, 1)
    assert not known.deployments.all()
    assert not known.deployments.pools()


def test_runs_that_have_not_begun_are_left_to_prefect_and_listed(prefect: PrefectDatabase, known):
    waiting = prefect.flow_run(1, "soon", deployment_id="d-1")
    prefect.state("flow_run", waiting, "SCHEDULED", 1)
    ended = prefect.flow_run(2, "done")
    for second, kind in enumerate(("SCHEDULED", "PENDING", "RUNNING", "COMPLETED")):
        prefect.state("flow_run", ended, kind, second)
    report = taken(prefect)
    assert [run.name for run in known.flow_runs(RunFilter())] == ["done"]
    assert not known.deployments.queued(QueueFilter())
    assert (report.is_whole, counts(report, "flow runs")) == (True, (2, 0, 1, 0, 1, 1))
    assert "left to Prefect: 1" in report.notes[0]
    rows = [json.loads(line) for line in Path(report.file or "").read_text().splitlines()]
    assert "soon" in {row["row"].get("name") for row in rows if row["table"] == "flow_run"}
    prefect.state("flow_run", waiting, "COMPLETED", 9)
    taken(prefect)
    assert {run.name for run in known.flow_runs(RunFilter())} == {"done", "soon"}


def test_ticks_from_before_the_takeover_are_not_made_up_for(prefect: PrefectDatabase, known):
    id = prefect.deployment()
    prefect.schedule(id, {"interval": 60.0})
    taken(prefect)
    (record,) = known.deployments.schedules(id)
    resume_schedules([record], record.seen, known)
    assert record.due is not None
    assert record.due > record.created


NAMED = """\
from perdure import flow

@flow
def daily_sales(day: int = 1) -> int:
    return day

@flow(name="weekly-sales")
def weekly_sales() -> int:
    return 7
"""


def test_a_flow_that_prefect_names_with_hyphens_has_its_name_here(prefect: PrefectDatabase, tmp_path: Path, known):
    from perdure.flows import load_flow_from_entrypoint

    (tmp_path / "jobs" / "sales.py").write_text(NAMED)
    for name in ("daily", "weekly"):
        flow = prefect.add("flow", created=at(0), name=f"{name}-sales", tags="[]")
        prefect.deployment(flow_id=flow, path=str(tmp_path / "jobs"), entrypoint=f"sales.py:{name}_sales")
    for _ in range(2):
        assert taken(prefect).is_whole
    assert {each.flow_name for each in known.deployments.all()} == {"daily-sales", "weekly-sales"}
    for name, result in (("daily", 1), ("weekly", 7)):
        run = run_deployment(f"{name}-sales/nightly", timeout=0)
        flow = load_flow_from_entrypoint(json.loads(known.start(run.id).entry_point)["target"])
        assert flow.resume(run.id) == result


def test_code_of_a_repository_is_fetched_and_its_commit_kept(prefect: PrefectDatabase, tmp_path: Path):
    for command in ("init -q -b main", "add .", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=tmp_path / "jobs", check=True)
    step = {"prefect.deployments.steps.git_clone": {"repository": f"file://{tmp_path / 'jobs'}", "branch": "main"}}
    prefect.deployment(entrypoint="flows.py:market", pull_steps=[step])
    assert taken(prefect).notes == ()
    of, definition = found()
    assert of.paused is None
    assert len(json.loads(definition.entry_point["source"])["commit"]) == 40
