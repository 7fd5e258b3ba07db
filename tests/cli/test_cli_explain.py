"""`perdure task-run explain`, `perdure flow-run explain`"""

import json

import pytest
from command_line import Perdure

from perdure import INPUTS, flow, task


@task(cache_policy=INPUTS)
def load(day: str) -> list[str]:
    return [day]


@flow(flow_run_name="daily-{day}")
def daily(day: str) -> None:
    load(day)


@pytest.fixture(autouse=True)
def ran() -> None:
    for day in ("monday", "monday", "tuesday"):
        daily(day)


def ids(perdure: Perdure) -> list[str]:
    """Of the task's runs, the newest first."""
    return [each["id"] for each in json.loads(perdure("task-run", "ls", "--json").stdout)]


def test_it_says_why_a_run_ran(perdure: Perdure):
    shown = perdure("task-run", "explain", ids(perdure)[0]).output
    assert 'its argument `day` ("monday" → "tuesday") differs' in " ".join(shown.split())
    assert "daily-monday/load-0" in shown
    (line,) = [line for line in shown.splitlines() if line.startswith("≠") and "day" in line][:1]
    assert line.split() == ["≠", "argument", "day", '"tuesday"', '"monday"']


def test_it_says_why_a_run_did_not_run(perdure: Perdure):
    _, cached, maker = ids(perdure)
    shown = perdure("task-run", "explain", cached).output
    assert "It did not run" in shown
    assert f"result of  daily-monday/load-0  {maker}" in shown
    assert "≠" not in shown


def test_it_is_json_for_programs(perdure: Perdure):
    _, cached, maker = ids(perdure)
    reported = json.loads(perdure("task-run", "explain", cached, "--json").stdout)
    assert (reported["ran"], reported["reason"], reported["used"]["id"]) == (False, "cached", maker)
    assert {each["name"] for each in reported["components"] if each["of"] == "cache key"} == {
        "task",
        "argument day",
        "project",
    }


def test_a_flow_run_is_explained_too(perdure: Perdure):
    assert "an outermost flow run always runs" in perdure("flow-run", "explain", "daily-tuesday").output


def test_no_line_is_wider_than_the_terminal(perdure: Perdure):
    shown = perdure("task-run", "explain", ids(perdure)[0]).output
    assert [line for line in shown.splitlines() if len(line) > 100] == []
