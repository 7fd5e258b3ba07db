"""`perdure deployment rollback`: an earlier version is the newest again, or nothing changes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure, Program

from perdure import Flow, session, settings
from perdure.cli.load_flow import load_flow
from perdure.deployments import run_deployment
from perdure.records import RunFilter
from perdure.results import get_result
from perdure.states import StateType
from tests.deployments.repositories import commit, git

FLOW = """
@flow(persist_result=True)
def report(x: int = 1):
    return x
"""


@pytest.fixture
def twice(program: Program) -> Path:
    """The file of a flow that was deployed twice."""
    file = program(FLOW)
    for x in (2, 9):
        load_flow(str(file)).deploy("nightly", parameters={"x": x})
    return file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of whose two commits a flow was deployed."""
    folder = tmp_path / "work"
    folder.mkdir()
    git(folder, "init", "-q")
    for content in ("first", "second"):
        commit(folder, content)
        Flow.from_source(f"file://{folder}", "jobs/flows_of_source.py:greeting").deploy("nightly")
    return folder


def inspected(perdure: Perdure, name: str = "nightly") -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(perdure("deployment", "inspect", name, "--json").output)
    return shown


def refused(perdure: Perdure, *arguments: object) -> str:
    """What is said of a rollback that is refused; nothing has changed."""
    before = inspected(perdure)
    result = perdure("deployment", "rollback", "nightly", *arguments)
    assert result.exit_code == 1
    assert inspected(perdure) == before
    return " ".join(result.output.split())


def run_of(perdure: Perdure, name: str) -> str:
    """The id of a run of a deployment, which has been run to its end."""
    run = run_deployment(name, timeout=0)
    assert perdure("flow-run", "start", run.id).exit_code == 0
    (after,) = session.current().orchestrator.flow_runs(RunFilter(ids=(run.id,)))
    assert after.state_type is StateType.COMPLETED
    return run.id


def test_the_next_run_is_of_the_version_that_was_gone_back_to(perdure: Perdure, twice: Path) -> None:
    assert get_result(run_of(perdure, "nightly")) == 9
    assert perdure("deployment", "rollback", "nightly").exit_code == 0
    assert get_result(run_of(perdure, "nightly")) == 2


def test_the_version_says_who_went_back_and_to_which_one(
    perdure: Perdure, twice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    perdure("deployment", "rollback", "nightly")
    newest, *others = inspected(perdure)["versions"]
    assert (newest["number"], newest["same_as"]) == (3, 1)
    assert newest["created_by"].startswith("anna@")
    assert not any(each["created_by"].startswith("anna@") for each in others)
    assert ", as version 1" in perdure("deployment", "inspect", "nightly").output


def test_a_pause_and_schedules_and_waiting_runs_stay_as_they_are(perdure: Perdure, twice: Path) -> None:
    load_flow(str(twice)).deploy("nightly", parameters={"x": 9}, cron="0 6 * * *")
    waits = run_deployment("nightly", timeout=0)
    perdure("deployment", "pause", "nightly")
    before = inspected(perdure)
    perdure("deployment", "rollback", "nightly", 1)
    after = inspected(perdure)
    assert before["paused"] is not None
    assert (after["paused"], after["schedules"]) == (before["paused"], before["schedules"])
    assert perdure("flow-run", "start", waits.id).exit_code == 0
    assert get_result(waits.id) == 9


def test_going_back_to_what_there_is_changes_nothing(perdure: Perdure, twice: Path) -> None:
    perdure("deployment", "rollback", "nightly", 1)
    before = inspected(perdure)
    assert "as in version 1 already" in " ".join(perdure("deployment", "rollback", "nightly", 1).output.split())
    assert inspected(perdure) == before


def test_a_file_with_other_code_is_said_to_run_as_it_is_now(perdure: Perdure, twice: Path) -> None:
    load_flow(str(twice)).deploy("nightly", parameters={"x": 9}, version="of other code")
    said = perdure("deployment", "rollback", "nightly", 1, columns=300).output
    assert f"{twice.stem} is run as it is now" in said


def test_what_runs_as_in_its_version_is_not_said_to_run_otherwise(perdure: Perdure, twice: Path) -> None:
    assert "as it is now" not in perdure("deployment", "rollback", "nightly", columns=300).output


def test_the_first_version_has_none_before_it(perdure: Perdure, program: Program) -> None:
    load_flow(str(program(FLOW))).deploy("nightly")
    assert "no version that differs" in refused(perdure)
    assert "no version 7. It has: 1." in refused(perdure, 7)


def test_a_version_whose_file_is_gone_is_refused(perdure: Perdure, twice: Path) -> None:
    twice.unlink()
    assert "There is no module 'program'" in refused(perdure)
    assert perdure("deployment", "rollback", "nightly", "--no-check").exit_code == 0
    assert inspected(perdure)["version"] == 3


def test_a_version_whose_flow_is_no_longer_in_its_file_is_refused(perdure: Perdure, twice: Path) -> None:
    twice.write_text(twice.read_text().replace("def report", "def totals"))
    assert "has no 'report'" in refused(perdure)


def test_a_version_whose_module_is_gone_is_refused(
    perdure: Perdure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "shop_of_rollback"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "jobs.py").write_text(f"from perdure import flow\n{FLOW}")
    monkeypatch.syspath_prepend(str(tmp_path))
    for x in (2, 9):
        load_flow("shop_of_rollback.jobs:report").deploy("nightly", parameters={"x": x})
    assert perdure("deployment", "rollback", "nightly").exit_code == 0
    assert inspected(perdure)["definition"]["entry_point"]["target"] == "shop_of_rollback.jobs:report"
    (package / "jobs.py").unlink()
    assert "no module 'shop_of_rollback.jobs'" in refused(perdure)


def test_a_version_whose_job_variables_the_work_pool_no_longer_takes_is_refused(
    perdure: Perdure, program: Program, tmp_path: Path
) -> None:
    flow = load_flow(str(program(FLOW)))
    flow.deploy("nightly", job_variables={"working_dir": str(tmp_path)})
    flow.deploy("nightly")
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"job_configuration": {}, "variables": {"type": "object", "properties": {}}}))
    assert perdure("work-pool", "delete", "default").exit_code == 0
    assert perdure("work-pool", "create", "default", "--base-job-template", template).exit_code == 0
    assert "'working_dir'" in refused(perdure)


def test_a_commit_that_was_gone_back_to_is_run(perdure: Perdure, repository: Path) -> None:
    assert get_result(run_of(perdure, "greeting/nightly")) == "second data"
    shutil.rmtree(settings.current().home / "sources")  # as on another machine
    assert perdure("deployment", "rollback", "nightly").exit_code == 0
    assert get_result(run_of(perdure, "greeting/nightly")) == "first data"
    codes = [each["code"] for each in inspected(perdure)["versions"]]
    first, second = (git(repository, "rev-parse", each)[:10] for each in ("HEAD~1", "HEAD"))
    assert codes == [f"commit {each} of file://{repository}" for each in (first, second, first)]


def test_a_bundle_that_was_gone_back_to_is_run_and_one_that_is_gone_is_refused(
    perdure: Perdure, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for word in ("first", "second"):
        (folder / "flows_of_rollback.py").write_text(
            f"from perdure import flow\n\n@flow(persist_result=True)\ndef report():\n    return {word!r}\n"
        )
        Flow.from_source(folder, "flows_of_rollback.py:report").deploy("nightly", source="bundle")
    shutil.rmtree(folder)
    assert perdure("deployment", "rollback", "nightly").exit_code == 0
    first = inspected(perdure)["versions"][-1]["code"]
    assert f"code {first}" in " ".join(perdure("deployment", "inspect", "nightly").output.split())
    assert get_result(run_of(perdure, "report/nightly")) == "first"
    shutil.rmtree(settings.current().home / "bundles")
    shutil.rmtree(settings.current().local_storage_path / "bundles")
    assert "the code of version 2 is not there. The bundle" in refused(perdure)


def test_a_commit_that_cannot_be_fetched_any_more_is_refused(perdure: Perdure, repository: Path) -> None:
    shutil.rmtree(settings.current().home / "sources")
    shutil.rmtree(repository)
    assert "the code of version 1 is not there. " in refused(perdure)
