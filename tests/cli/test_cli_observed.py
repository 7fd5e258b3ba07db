"""`perdure logs`, `flow-run watch`, `artifact` and `variable`."""

import io
import json
import logging
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure, Program
from rich.console import Console

from perdure import flow, get_run_logger, session, task
from perdure.artifacts import create_markdown_artifact, create_progress_artifact, create_table_artifact
from perdure.cli.flow_run_watch import picture
from perdure.cli.log_lines import Follower
from perdure.cli.tree import gather
from perdure.records import ArtifactFilter, LogFilter, LogRecord, RunFilter
from tests.prepared import Prepared


@task
def load(day: str) -> None:
    get_run_logger().warning("loading %s", day)
    if day == "tuesday":
        raise ValueError("no such day")


@flow
def days(names: tuple[str, ...] = ("monday", "tuesday")) -> None:
    create_progress_artifact(40, description="copying files")
    for name in names:
        load(name, return_state=True)


def a_run(*names: str) -> str:
    return str(days(names, return_state=True).flow_run_id)


def test_logs_are_of_all_runs_or_of_what_is_asked_for(perdure: Perdure):
    one, other = a_run("monday"), a_run("friday")
    assert "loading monday" in (shown := perdure("logs").stdout)
    assert "loading friday" in shown
    narrow = perdure("logs", "--flow-run", one, "--level", "warning").stdout
    assert narrow.count("\n") == 1
    assert narrow.rstrip().endswith("load-0  loading monday")
    assert perdure("logs", "--flow", "no-such-flow").stdout.startswith("No line matches.")
    lines = perdure("logs", "--grep", "loading (mon|fri)", "-n", 1, "--since", "10m", "--json").stdout.splitlines()
    assert [json.loads(line)["flow_run_id"] for line in lines] == [other]


def test_logs_say_what_is_wrong_with_an_option(perdure: Perdure):
    for option, value in (("--level", "loud"), ("--grep", "("), ("--since", "yesterday")):
        ended = perdure("logs", option, value)
        assert ended.exit_code == 1
        assert option in ended.stderr


def test_a_logged_line_cannot_control_the_terminal(perdure: Perdure):
    session.current().report((LogRecord(None, None, 1, logging.INFO, "", "a\x1b[2Jb\rc"),))
    assert "a·[2Jb·c" in perdure("logs").stdout


def test_followed_lines_come_once_even_if_their_numbers_come_late(perdure: Perdure):
    known = session.current().orchestrator
    known.report([LogRecord(None, None, 1, 20, "", "before")])
    follower = Follower(known)
    known.report([LogRecord(None, None, 2, 20, "", "after")])
    assert [line.message for line in follower.take(LogFilter())] == ["after"]
    assert follower.take(LogFilter()) == []


def child(program: str, home: Path, *arguments: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"PERDURE_HOME": str(home), "COLUMNS": "100"}
    command = [program] if program else ["-m", "perdure", *arguments]
    return Prepared(*command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


SLOW = """
import time
from perdure import get_run_logger

@task
def step(number):
    get_run_logger().info("step %s", number)
    time.sleep(0.3)

@flow
def slow():
    for number in range(8):
        step(number)
    raise ValueError("at the end")

slow()
"""


def the_run() -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = session.current().orchestrator.flow_runs(RunFilter(of="slow"))
        if found:
            return found[0].id
        time.sleep(0.05)
    raise AssertionError("The flow did not begin.")


@pytest.mark.slow
def test_watching_and_following_another_process_end_with_its_run(program: Program, home: Path):
    running = child(str(program(SLOW)), home)
    id = the_run()
    watching, following = child("", home, "flow-run", "watch", id), child("", home, "logs", "-f", "--flow-run", id)
    watched, followed = watching.communicate(timeout=60)[0], following.communicate(timeout=60)[0]
    running.communicate(timeout=60)
    assert (watching.returncode, following.returncode) == (1, 0)
    assert [followed.count(f"step {number}\n") for number in range(8)] == [1] * 8
    assert watched.count("step 7\n") == 1
    assert "✗ Failed" in watched.splitlines()[-1] or "Finished" in watched.splitlines()[-1]


@pytest.mark.slow
def test_watching_a_run_whose_process_is_killed_ends_and_says_so(program: Program, home: Path):
    running = child(str(program(SLOW)), home)
    id = the_run()
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    watching = child("", home, "flow-run", "watch", id)
    assert f"perdure flow-run resume {id}" in watching.communicate(timeout=60)[0]
    assert watching.returncode == 3


def test_watching_a_run_that_has_ended_shows_it_and_gives_its_exit_code(perdure: Perdure):
    ended = perdure("flow-run", "watch", a_run("monday", "tuesday"))
    assert ended.exit_code == 1
    assert "✗ Failed" in ended.stdout
    assert "load-1" in ended.stdout
    assert perdure("flow-run", "watch", a_run("monday")).exit_code == 0


def test_watching_for_programs_gives_an_object_for_each_change(perdure: Perdure):
    lines = perdure("flow-run", "watch", a_run("monday"), "--json").stdout.splitlines()
    changes = [json.loads(line) for line in lines]
    tasks = [change["task_run"] for change in changes if "task_run" in change]
    assert [(task["name"], task["state"]["type"]) for task in tasks] == [("load-0", "COMPLETED")]
    assert "loading monday" in [change["log"]["message"] for change in changes if "log" in change]


@pytest.mark.parametrize("width", [80, 120])
def test_the_picture_of_a_run_fits_the_terminal(width: int):
    known = session.current().orchestrator
    run = known.flow_runs(RunFilter(ids=(a_run(*["monday"] * 30, *["tuesday"] * 20),)))[0]
    console = Console(width=width, height=24, file=io.StringIO())
    with console.capture() as shown:
        console.print(picture(run, gather(run, known), known.artifacts(ArtifactFilter()), [], console.height))
    lines = shown.get().splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= width
    text = shown.get()
    for part in ("✗ Failed  days", "50 of 50 runs", "✓ 30 completed  ✗ 20 failed", "40%  copying files", "no such day"):
        assert part in text


def test_artifacts_are_listed_shown_exported_and_deleted(perdure: Perdure, tmp_path: Path):
    for count in (1, 2):
        create_table_artifact([{"day": "monday", "rows": count}], key="rows", description="per day")
    text = create_markdown_artifact("# Title\n\n\x1b[2J**bold**")
    listed = perdure("artifact", "ls").stdout
    assert "per day: 1 row of 2 columns" in listed
    assert listed.count("rows ") == 1
    assert len(json.loads(perdure("artifact", "ls", "--key", "rows", "--json").stdout)) == 2
    assert "monday  2" in perdure("artifact", "show", "rows").stdout
    assert "[2J**bold**" in (shown := perdure("artifact", "show", text).stdout)
    assert "\x1b" not in shown
    assert perdure("artifact", "export", "rows", tmp_path / "rows.csv").exit_code == 0
    assert (tmp_path / "rows.csv").read_text() == "day,rows\nmonday,2\n"
    assert perdure("artifact", "export", text).stdout == "# Title\n\n\x1b[2J**bold**\n"
    assert perdure("artifact", "rm", "rows", "--versions").stdout == "Deleted 2 artifacts.\n"
    assert "No artifact has the key or id 'rows'" in perdure("artifact", "show", "rows").stderr


@pytest.mark.parametrize(
    ("typed", "value"), [("5", 5), ("five", "five"), ('{"a": [1]}', {"a": [1]}), ("true", True), ("", "")]
)
def test_a_variable_is_set_as_json_or_as_text(perdure: Perdure, typed: str, value: Any):
    assert perdure("variable", "set", "limit", typed).exit_code == 0
    assert json.loads(perdure("variable", "get", "limit", "--json").stdout)["value"] == value
    assert json.loads(perdure("variable", "ls", "--json").stdout)[0]["value"] == value


def test_a_variable_is_overwritten_and_deleted_by_the_command_line(perdure: Perdure):
    perdure("variable", "set", "limit", "5", "--text")
    assert perdure("variable", "set", "limit", "6").exit_code == 1
    assert perdure("variable", "get", "limit").stdout == "5\n"
    assert perdure("variable", "set", "limit", "6", "--overwrite").exit_code == 0
    assert "Did you mean 'limit'?" in perdure("variable", "get", "limits").stderr
    assert perdure("variable", "rm", "limit").exit_code == 0
    assert perdure("variable", "rm", "limit").exit_code == 1
