"""The command line answers what is wrong in one line on standard error, without a traceback, and by its exit code."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure._settings import settings
from perdure.filesystems import LocalFileSystem

FLOW = """
from perdure import flow

@flow
def report(day: int) -> int:
    return day
"""

LOCKS = """
import threading
from perdure import flow

@flow(persist_result=True)
def locks() -> list[object]:
    return [threading.Lock()]
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Writes a program into a file. What running it changes in this process is undone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    before = set(sys.modules)
    file = tmp_path / "answering_program.py"

    def write(code: str) -> Path:
        file.write_text(code)
        return file

    yield write
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) == str(file):
            del sys.modules[name]


def only_line(ended: Any, exit_code: int = 1) -> str:
    assert (ended.exit_code, ended.stdout) == (exit_code, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: ")
    return str(line)


def test_a_parameter_of_a_wrong_type_fails_the_run(program: Any, perdure: Any) -> None:
    ended = perdure("run", program(FLOW), "--param", "day=monday")
    assert ended.exit_code == 1
    assert "day='monday' (Input should be a valid integer" in ended.stdout
    assert "Pass values that fit" in ended.stdout
    assert "Traceback" not in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--param", "date=1"), "report(day: int) -> int cannot be called with these arguments"),
        (("--param", "day"), "'day' has no '='. Write it as day=VALUE."),
        (("--params", "{"), "It is not JSON"),
        (("--params", "[1]"), "It must be a JSON object, such as"),
    ],
)
def test_wrong_arguments_of_run_are_wrong_usage(arguments: Any, said: str, program: Any, perdure: Any) -> None:
    ended = perdure("run", program(FLOW), *arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unknown_flow_is_named_with_those_there_are(program: Any, perdure: Any) -> None:
    ended = perdure("run", f"{program(FLOW)}:reprot")
    assert ended.exit_code == 2
    assert "has no flow 'reprot'. Did you mean 'report'?" in ended.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from perdure import task\ntask(retries=1)(3)\n", "TypeError: @task decorates functions; 3 is a int"),
        ("from perdure import flow\nflow(result_serializer='jsno')(print)\n", "Did you mean 'json'?"),
        ("from perdure.filesystems import LocalFileSystem\nLocalFileSystem.load('dev')\n", "No block is saved yet"),
    ],
    ids=["non-callable", "serializer", "slug"],
)
def test_a_program_that_cannot_be_loaded_is_shown_without_the_frames_of_perdure(
    code: str, said: str, program: Any, perdure: Any
) -> None:
    file = program(code)
    ended = perdure("run", file)
    lines = ended.stderr.splitlines()
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert [line for line in lines if line.startswith("  File")] == [f'  File "{file}", line 2, in <module>']
    assert said in lines[-2]
    assert lines[-1] == f"Error: {file} could not be loaded, so nothing was run."


def test_a_missing_file_is_wrong_usage(perdure: Any, tmp_path: Path) -> None:
    ended = perdure("run", tmp_path / "nowhere.py")
    assert ended.exit_code == 2
    assert "There is no file" in ended.stderr


@pytest.mark.parametrize("command", ["inspect", "delete"])
def test_an_unknown_slug_is_named_with_the_nearest(command: str, perdure: Any, tmp_path: Path) -> None:
    LocalFileSystem(basepath=tmp_path).save("dev")
    line = only_line(perdure("block", command, "local-file-system/dve"))
    assert "No block is saved as 'local-file-system/dve'. Did you mean 'local-file-system/dev'?" in line


@pytest.mark.parametrize(("command", "suffix"), [("set", "=json"), ("unset", "")])
def test_an_unknown_setting_is_named_with_the_nearest(command: str, suffix: str, perdure: Any) -> None:
    line = only_line(perdure("config", command, f"results_default_serialiser{suffix}"))
    assert "'results_default_serialiser'" in line
    assert "Did you mean 'results_default_serializer'?" in line


def test_a_wrong_value_of_a_setting_is_named_with_its_rule(perdure: Any) -> None:
    line = only_line(perdure("config", "set", "results_persist_by_default=maybe"))
    assert "'maybe'" in line
    assert "must be one of true, false" in line


def test_a_wrong_setting_in_the_environment_is_named(perdure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_DATABASE_TIMEOUT_SECONDS", "soon")
    monkeypatch.setattr(settings, "_current", None)  # as in a process that has just begun
    line = only_line(perdure("flow-run", "ls"))
    assert "PERDURE_DATABASE_TIMEOUT_SECONDS is 'soon' (from the environment)" in line


@pytest.mark.parametrize(
    "command", ["flow-run inspect", "flow-run logs", "task-run inspect", "result get", "result show"]
)
def test_an_unknown_run_is_named_with_where_to_look(command: str, perdure: Any) -> None:
    line = only_line(perdure(*command.split(), "nobody"))
    assert "'nobody'" in line
    assert "ls` lists" in line


def test_a_home_that_cannot_be_written_is_named(perdure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_HOME", "/proc/perdure")  # not even root can make it
    settings.reload()
    line = only_line(perdure("flow-run", "ls"))
    assert "/proc/perdure" in line
    assert "set another PERDURE_HOME" in line
    line = only_line(perdure("config", "set", "logging_level=DEBUG"))
    assert "/proc/perdure" in line
    assert "set PERDURE_HOME" in line


def test_a_result_that_cannot_be_kept_crashes_the_run(program: Any, perdure: Any) -> None:
    ended = perdure("run", program(LOCKS))
    assert ended.exit_code == 3
    assert "result[0]: cannot pickle '_thread.lock' object. Leave this part out" in ended.stdout
    assert "Traceback" not in ended.stdout
