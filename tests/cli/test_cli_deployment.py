"""`perdure deployment`, `worker` and `work-pool`, as far as nothing has to be started."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure, Program

from perdure import session
from perdure._client.runs_seen import FlowRunSeen
from perdure._execution.deployment_runs import run_deployment, run_now
from perdure._platform.ids import new_id
from perdure._rooms.deployments.port import WorkerRecord

FLOWS = """
@flow(persist_result=True)
def report(x: int = 1, day: str = ""):
    return x

if __name__ == "__main__":
    report.deploy("nightly", cron="0 6 * * *", timezone="Europe/Oslo", parameters={"x": 2})
"""


@pytest.fixture
def deployed(perdure: Perdure, program: Program) -> Perdure:
    """The command, with a deployment that is there."""
    from perdure.cli.load_flow import load_flow

    load_flow(str(program(FLOWS))).deploy("nightly", cron="0 6 * * *", timezone="Europe/Oslo", parameters={"x": 2})
    return perdure


def test_deployments_are_listed_with_when_they_run(deployed: Perdure):
    said = deployed("deployment", "ls").output
    assert "report/nightly" in said
    assert "0 6 * * * Europe/Oslo" in said
    (shape,) = json.loads(deployed("deployment", "ls", "--json").output)
    assert (shape["name"], shape["version"], shape["paused"]) == ("report/nightly", 1, None)
    assert shape["next"] is not None


def test_a_served_deployment_whose_program_is_down_says_so(perdure: Perdure, program: Program):
    from perdure.cli.load_flow import load_flow

    of = load_flow(str(program(FLOWS))).deploy("nightly", work_pool="serve:report/nightly", cron="0 6 * * *")
    assert "not served" in perdure("deployment", "ls").output
    assert "Nothing serves report/nightly: start its program again." in perdure("deployment", "ls").output
    assert "its program does not run" in perdure("deployment", "inspect", "nightly").output
    assert "Nothing serves report/nightly: the run waits" in perdure("deployment", "run", "nightly").stderr
    assert json.loads(perdure("deployment", "inspect", "nightly", "--json").output)["served"] is False
    mine = session.current()
    now = mine.clock()
    mine.orchestrator.deployments.beat(
        WorkerRecord(new_id(), "w", of.work_pool, "process", "0", "here", 1, None, 0, now, now)
    )
    assert "erve" not in perdure("deployment", "ls").output.replace(of.work_pool, "")
    assert json.loads(perdure("deployment", "ls", "--json").output)[0]["served"] is True


def test_no_deployments_say_how_one_is_made(perdure: Perdure):
    assert "my_flow.serve" in perdure("deployment", "ls").output


def test_a_deployment_is_shown_with_its_schedule_and_parameters(deployed: Perdure):
    deployed("deployment", "run", "nightly", "--param", "day=monday")
    said = deployed("deployment", "inspect", "report/nightly").output
    assert '{"x": 2}' in said
    assert "cron: 0 6 * * * Europe/Oslo" in said
    assert "Scheduled" in said


def test_a_run_is_made_with_parameters_by_their_types(deployed: Perdure):
    run = json.loads(deployed("deployment", "run", "nightly", "-p", "day=7", "-p", "x=3", "--json").output)
    assert run["parameters"] == {"day": "7", "x": 3}
    assert run["state"]["name"] == "Scheduled"


def test_wrong_parameters_are_an_error_that_names_them(deployed: Perdure):
    result = deployed("deployment", "run", "nightly", "-p", "x=many")
    assert result.exit_code == 1
    assert "'many' is not of type 'integer'" in " ".join(result.output.split())


def test_a_deployment_that_there_is_not_is_an_error_with_the_nearest_name(deployed: Perdure):
    result = deployed("deployment", "run", "report/nightli")
    assert result.exit_code == 1
    assert "report/nightly" in result.output


def test_a_deployment_and_its_schedules_are_paused_and_resumed(deployed: Perdure):
    deployed("deployment", "pause", "nightly")
    assert "paused" in deployed("deployment", "ls").output
    deployed("deployment", "resume", "nightly")
    deployed("deployment", "pause", "nightly", "--schedule", "cron")
    assert "(paused)" in deployed("deployment", "inspect", "nightly").output
    result = deployed("deployment", "pause", "nightly", "--schedule", "other")
    assert "cron" in result.output
    assert result.exit_code == 1


def test_a_rollback_makes_the_version_before_the_newest_one(deployed: Perdure, program: Program):
    from perdure.cli.load_flow import load_flow

    load_flow(str(program(FLOWS))).deploy("nightly", parameters={"x": 9})
    assert "version 3" in deployed("deployment", "rollback", "nightly").output
    shape = json.loads(deployed("deployment", "inspect", "nightly", "--json").output)
    assert shape["definition"]["parameters"] == {"x": 2}
    assert [each["number"] for each in shape["versions"]] == [3, 2, 1]


def test_deleting_a_deployment_cancels_the_runs_that_wait(deployed: Perdure):
    run = json.loads(deployed("deployment", "run", "nightly", "--json").output)
    assert "cancelled 1 run." in deployed("deployment", "delete", "nightly").output
    assert "Cancelled" in deployed("flow-run", "inspect", run["id"]).output
    assert json.loads(deployed("deployment", "ls", "--json").output) == []


def test_a_waiting_run_is_begun_by_hand(deployed: Perdure):
    run = json.loads(deployed("deployment", "run", "nightly", "--json").output)
    assert deployed("flow-run", "start", run["id"]).exit_code == 0
    assert "Completed" in deployed("flow-run", "inspect", run["id"]).output
    result = deployed("flow-run", "start", run["id"])
    assert result.exit_code == 1
    assert "does not wait" in result.output


def test_a_run_that_is_waited_for_shows_its_value(deployed: Perdure, monkeypatch: pytest.MonkeyPatch):
    def begun_at_once(*arguments: Any, **options: Any) -> FlowRunSeen:
        asked = run_deployment(*arguments, **options | {"timeout": 0})
        deployed("flow-run", "start", asked.id)
        return FlowRunSeen(run_now(str(asked.id), session.current()))

    monkeypatch.setattr("perdure.cli.deployment.run_deployment", begun_at_once)
    shown = deployed("deployment", "run", "nightly", "-p", "x=41", "--wait").output.splitlines()
    assert shown[0].startswith("✓ Completed  report  ")
    assert shown[1] == "41"
    assert json.loads(deployed("deployment", "run", "nightly", "-p", "x=42", "--wait", "--json").stdout)["value"] == 42


def test_work_pools_and_queues_are_made_listed_paused_and_deleted(perdure: Perdure):
    perdure("work-pool", "create", "batch", "--limit", 4)
    perdure("work-pool", "create", "batch", "--queue", "gpu", "--limit", 1)
    (shape,) = json.loads(perdure("work-pool", "ls", "--json").output)
    assert (shape["name"], shape["concurrency_limit"], shape["queues"][0]["name"]) == ("batch", 4, "gpu")
    perdure("work-pool", "pause", "batch")
    assert "paused" in perdure("work-pool", "ls").output
    perdure("work-pool", "resume", "batch")
    assert "Deleted the work pool 'batch'" in perdure("work-pool", "delete", "batch").output
    assert "no work pool 'batch'" in perdure("work-pool", "pause", "batch").output


def test_a_limit_that_is_not_given_stays_until_it_is_taken_away(perdure: Perdure):
    def limits() -> list[int | None]:
        (shape,) = json.loads(perdure("work-pool", "ls", "--json").output)
        return [shape["concurrency_limit"], *(each["concurrency_limit"] for each in shape["queues"])]

    for limit in (["--limit", 4], []):
        perdure("work-pool", "create", "batch", *limit)
        perdure("work-pool", "create", "batch", "--queue", "gpu", *limit)
    assert limits() == [4, 4]
    perdure("work-pool", "create", "batch", "--no-limit")
    perdure("work-pool", "create", "batch", "--queue", "gpu", "--no-limit")
    assert limits() == [None, None]


def test_no_workers_say_how_one_is_started(perdure: Perdure):
    assert "perdure worker start" in perdure("worker", "ls").output


def test_a_backfill_is_planned_started_listed_paused_and_cancelled(perdure: Perdure, program: Program):
    from perdure.cli.load_flow import load_flow
    from perdure.partitions import daily

    load_flow(str(program(FLOWS))).deploy("nightly", partitions=daily("2026-05-01"))
    of = ("nightly", "--from", "2026-05-01", "--to", "2026-05-03")
    assert "3 partitions: 2026-05-01" in perdure("backfill", "start", *of, "--dry-run").output
    started = json.loads(perdure("backfill", "start", *of, "--max-active", 1, "--json").output)
    assert (started["total"], started["done"], started["waiting"]) == (3, 0, 3)
    assert "0 of 3" in perdure("backfill", "ls", columns=200).output
    perdure("backfill", "pause", started["id"])
    assert "paused" in perdure("backfill", "ls", columns=200).output
    perdure("backfill", "resume", started["id"])
    assert "Cancelled 3 runs" in perdure("backfill", "cancel", started["id"]).output
    assert perdure("backfill", "watch", started["id"]).exit_code == 0
    assert "no backfill has" in perdure("backfill", "watch", "123").output


@pytest.mark.parametrize("wrong", [["--params", "[]"], ["--params", "{"], ["--order", "up"], ["--reprocess", "some"]])
def test_a_wrong_option_of_a_backfill_is_wrong_usage(perdure: Perdure, program: Program, wrong: list[str]):
    from perdure.cli.load_flow import load_flow
    from perdure.partitions import daily

    load_flow(str(program(FLOWS))).deploy("nightly", partitions=daily("2026-05-01"))
    assert perdure("backfill", "start", "nightly", "--to", "2026-05-03", *wrong).exit_code == 2
    assert perdure("backfill", "ls", "--json").output.strip() == "[]"


def test_no_backfills_say_how_one_is_started(perdure: Perdure):
    assert "perdure backfill start" in perdure("backfill", "ls").output


TEMPLATE = {
    "job_configuration": {"image": "{{ image }}", "mem_limit": "8g"},
    "variables": {"type": "object", "properties": {"image": {"type": "string", "default": "team/flows:1"}}},
}


def test_a_work_pool_has_a_type_and_a_template_whose_variables_are_shown(perdure: Perdure, tmp_path: Path):
    file = tmp_path / "template.json"
    file.write_text(json.dumps(TEMPLATE))
    perdure("work-pool", "create", "images", "--type", "docker", "--base-job-template", file)
    shown = json.loads(perdure("work-pool", "inspect", "images", "--json").output)
    assert (shown["type"], shown["template"]) == ("docker", TEMPLATE)
    assert '"team/flows:1"' in perdure("work-pool", "inspect", "images").output
    default = json.loads(perdure("work-pool", "template", "--type", "docker").output)
    assert default["variables"]["required"] == ["image"]
    file.write_text(json.dumps(default))
    assert "is there" in perdure("work-pool", "create", "images", "--base-job-template", file).output


def test_what_is_wrong_with_a_work_pool_is_named(perdure: Perdure, tmp_path: Path):
    assert "'dokcer'. Did you mean 'docker'?" in perdure("work-pool", "create", "a", "--type", "dokcer").output
    assert "work pool's name" in perdure("work-pool", "create", "").output
    (tmp_path / "wrong.json").write_text("{")
    wrong = perdure("work-pool", "create", "a", "--base-job-template", tmp_path / "wrong.json")
    assert "cannot be read" in " ".join(wrong.output.split())
    perdure("work-pool", "create", "a")
    assert "is of type 'process'" in " ".join(perdure("work-pool", "create", "a", "--type", "ssh").output.split())
    assert "one worker for each type" in " ".join(perdure("worker", "start", "-p", "a", "-t", "slurm").output.split())
