"""`perdure init`: a project whose every part works, and nothing that is there is lost."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
from command_line import Perdure


@pytest.fixture
def project(perdure: Perdure, tmp_path: Path) -> Path:
    """A folder that `perdure init` made."""
    folder = tmp_path / "Daily Report"
    assert perdure("init", folder).exit_code == 0
    return folder


def call(folder: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_flow_of_a_new_project_runs(project: Path):
    assert "'least'" in call(project, "flows.py")


@pytest.mark.slow
def test_the_tests_of_a_new_project_pass(project: Path):
    assert "2 passed" in call(project, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist")


@pytest.mark.slow
def test_the_deployment_of_a_new_project_is_made_and_runs(project: Path):
    call(project, "-m", "perdure", "deploy", "--all")
    (shape,) = json.loads(call(project, "-m", "perdure", "deployment", "ls", "--json"))
    assert (shape["name"], shape["version"]) == ("report/nightly", 1)


def test_the_project_is_named_by_its_folder(project: Path):
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"] == "daily-report"


def test_its_files_are_well_formatted(project: Path):
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--check", "--line-length", "120", str(project)], check=True)
    subprocess.run(
        [*ruff, "check", "--isolated", "--select", "E,F,I,UP,B", "--line-length", "120", str(project)], check=True
    )


def test_a_file_that_is_there_is_never_overwritten(perdure: Perdure, tmp_path: Path):
    (tmp_path / "flows.py").write_text("mine = 1\n")
    result = perdure("init", tmp_path)
    assert result.exit_code == 2
    assert "flows.py already" in " ".join(result.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["flows.py"]
    assert (tmp_path / "flows.py").read_text() == "mine = 1\n"


def test_a_file_in_place_of_the_folder_is_an_error(perdure: Perdure, tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert perdure("init", tmp_path / "file").exit_code == 2


FLOWS = """
from perdure import flow
import other

@flow
def load_all(): ...

@flow(name="other name")
async def report(): ...

def not_a_flow(): ...
"""


def test_flows_that_are_there_get_a_deployment_each_and_are_not_imported(perdure: Perdure, tmp_path: Path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "daily.py").write_text(FLOWS)
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "unrelated.py").write_text("@flow\ndef other(): ...\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "hidden.py").write_text(FLOWS)
    made = json.loads(perdure("init", tmp_path, "--json").stdout)
    assert made["files"] == ["perdure.toml", "perdure.schema.json"]
    declared = tomllib.loads((tmp_path / "perdure.toml").read_text())
    assert declared["deployments"] == [
        {"name": "load-all", "entrypoint": "jobs/daily.py:load_all"},
        {"name": "report", "entrypoint": "jobs/daily.py:report"},
    ]


def test_two_flows_of_one_name_get_deployments_of_different_names(perdure: Perdure, tmp_path: Path):
    for name in ("daily", "weekly"):
        (tmp_path / f"{name}.py").write_text("from perdure import flow\n\n@flow\ndef report(): ...\n")
    perdure("init", tmp_path)
    declared = tomllib.loads((tmp_path / "perdure.toml").read_text())
    assert [each["name"] for each in declared["deployments"]] == ["daily-report", "weekly-report"]


def test_the_file_is_as_its_schema_says(project: Path):
    schema = json.loads((project / "perdure.schema.json").read_text())
    jsonschema.validate(tomllib.loads((project / "perdure.toml").read_text()), schema)
    assert (project / "perdure.toml").read_text().startswith("#:schema perdure.schema.json\n")
