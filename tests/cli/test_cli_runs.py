"""`perdure flow-run` and `perdure task-run`"""

import json
from typing import Any

import pytest
from command_line import Perdure

from perdure import flow, get_run_logger, settings, tags, task


@task(retries=1)
def double(n: int) -> int:
    if n == 13:
        raise ValueError("unlucky [13]")
    return 2 * n


@flow(flow_run_name="child-{n}")
def child(n: int) -> Any:
    get_run_logger().warning("child of %d", n)
    return [double(each) for each in range(n)]


@flow(flow_run_name="on-{day}")
def load(day: str) -> Any:
    with tags("nightly"):
        double(1)
    child(len(day[:2]))
    return double(2, return_state=True)


def documents(perdure: Perdure, *arguments: str) -> Any:
    return json.loads(perdure(*arguments, "--json").stdout)


def test_flow_runs_are_listed_newest_first(perdure: Perdure):
    load("monday")
    load("tuesday")
    rows = perdure("flow-run", "ls").stdout.splitlines()
    assert [row.split()[3] for row in rows[1:]] == ["child-2", "on-tuesday", "child-2", "on-monday"]


def test_a_listing_can_be_narrowed(perdure: Perdure):
    load("monday")
    with pytest.raises(ValueError, match="unlucky"):
        child(14)
    assert [run["name"] for run in documents(perdure, "flow-run", "ls", "--state", "failed")] == ["child-14"]
    assert [run["name"] for run in documents(perdure, "flow-run", "ls", "--flow", "load")] == ["on-monday"]
    assert len(documents(perdure, "flow-run", "ls", "--limit", "1")) == 1
    assert [run["name"] for run in documents(perdure, "task-run", "ls", "--tag", "nightly")] == ["double-0"]
    assert len(documents(perdure, "task-run", "ls", "--flow-run", "child-2")) == 2


@pytest.mark.parametrize("command", ["flow-run", "task-run"])
def test_an_empty_list_says_what_to_do_next(perdure: Perdure, command: str):
    assert "yet.\n" in perdure(command, "ls").stdout
    assert f"`perdure {command} ls` lists all." in perdure(command, "ls", "--tag", "x").stdout
    assert documents(perdure, command, "ls") == []


def test_every_listed_id_finds_its_run(perdure: Perdure):
    load("monday")
    load("tuesday")
    for row in perdure("flow-run", "ls").stdout.splitlines()[1:]:
        assert perdure("flow-run", "inspect", row.split()[-1]).exit_code == 0


def test_inspect_draws_the_tree_of_what_was_called(perdure: Perdure):
    load("monday")
    tree = perdure("flow-run", "inspect", "on-monday").stdout.partition("Runs\n")[2].splitlines()
    drawn = [line.rpartition("  ")[0] for line in tree[:6]]
    assert drawn == [
        "✓ Completed  load  on-monday",
        "├── ✓ Completed  double-0",
        "├── ✓ Completed  child  child-2",
        "│   ├── ✓ Completed  double-0",
        "│   └── ✓ Completed  double-1",
        "└── ✓ Completed  double-1",
    ]


def test_inspect_shows_parameters_states_and_what_went_wrong(perdure: Perdure):
    with pytest.raises(ValueError, match="unlucky"):
        child(14)
    shown = perdure("flow-run", "inspect", "child-14").stdout
    assert "✗ Failed  child-14" in shown
    assert "n          14" in shown
    assert "● Running" in shown
    assert "ValueError: unlucky [13]" in shown
    assert "2 attempts" in shown


@task(persist_result=True)
def parsed(text: str) -> float:
    return float(text)


@flow(flow_run_name="inner")
def parsing(text: str) -> float:
    return parsed(text)


@flow(flow_run_name="outer")
def parsing_below(text: str) -> float:
    return parsing(text)


def test_a_failed_task_run_shows_its_arguments_and_its_traceback(perdure: Perdure):
    parsing("4,5", return_state=True)
    shown = perdure("task-run", "inspect", "parsed-0").stdout
    inspected = documents(perdure, "task-run", "inspect", "parsed-0")
    assert 'text       "4,5"' in shown
    assert inspected["arguments"]["text"]["shown"] == '"4,5"'
    assert inspected["traceback"].startswith("Traceback (most recent call last):\n")
    assert inspected["traceback"] in shown


def test_a_task_run_shows_which_result_went_into_it(perdure: Perdure):
    @flow
    def chained() -> Any:
        return double(double(1, return_state=True))

    chained()
    assert "n          the result of double-0" in perdure("task-run", "inspect", "double-1").stdout


def test_a_flow_run_that_failed_in_a_nested_call_says_where(perdure: Perdure):
    parsing_below("4,5", return_state=True)
    shown = perdure("flow-run", "inspect", "outer").stdout
    assert "It failed in inner > parsed-0\n" in shown
    assert "in parsed\n    return float(text)\n" in shown
    failure = documents(perdure, "flow-run", "inspect", "outer")["failure"]
    assert [run["name"] for run in failure["path"]] == ["outer", "inner", "parsed-0"]


def test_logs_of_a_flow_run_with_subflows_say_how_to_get_theirs(perdure: Perdure):
    load("monday")
    logged = perdure("flow-run", "logs", "on-monday")
    (id,) = (run["id"] for run in documents(perdure, "flow-run", "ls") if run["name"] == "on-monday")
    assert f"perdure logs --flow-run {id}\n" in logged.stderr


@pytest.mark.parametrize("command", ["flow-run", "task-run"])
def test_runs_are_listed_since_a_time(perdure: Perdure, command: str):
    load("monday")
    assert documents(perdure, command, "ls", "--since", "1h")
    assert documents(perdure, command, "ls", "--since", "0s") == []
    assert "--since: " in perdure(command, "ls", "--since", "soon").stderr


def test_task_runs_are_listed_by_duration(perdure: Perdure):
    load("monday")
    took = [run["duration_seconds"] for run in documents(perdure, "task-run", "ls", "--sort", "duration")]
    assert took == sorted(took, reverse=True)
    assert documents(perdure, "task-run", "ls", "--sort", "duration", "-n", "1")[0]["duration_seconds"] == took[0]


@pytest.mark.parametrize(("command", "said"), [("flow-run ls --flow", "load"), ("task-run ls --task", "double")])
def test_a_flow_or_task_that_is_not_there_is_named_with_the_nearest(perdure: Perdure, command: str, said: str):
    load("monday")
    assert f"Did you mean '{said}'?\n" in perdure(*command.split(), said[:-1]).stdout


def test_a_state_that_is_not_there_is_named_with_the_nearest(perdure: Perdure):
    refused = perdure("flow-run", "ls", "--state", "faild").stderr
    assert "'faild' is no state. Did you mean 'failed'? There are scheduled, pending," in refused
    assert "Value error" not in refused


@pytest.mark.parametrize(("option", "hint"), [("--limmit", "--limit"), ("--xsin", None)])
def test_an_unknown_option_suggests_near_ones_alone(perdure: Perdure, option: str, hint: str | None):
    said = perdure("flow-run", "ls", option, "1").stderr
    assert f"No such option: {option}" in said
    assert (str(hint) in said) if hint else ("--json" not in said)


def test_failures_are_listed_by_tag(perdure: Perdure):
    for tag in ("nightly", "daily"):
        with tags(tag):
            child(14, return_state=True)
    (group,) = documents(perdure, "flow-run", "failures", "--tag", "daily")["groups"]
    assert group["runs"] == 1


def test_of_many_children_those_that_failed_are_drawn_and_the_rest_are_counted(perdure: Perdure):
    @flow(flow_run_name="many")
    def many() -> Any:
        for n in range(60):
            double(-n, return_state=True)
        double(13, return_state=True)

    many(return_state=True)
    shown = perdure("flow-run", "inspect", "many").stdout
    assert "✗ Failed  double-60" in shown
    assert "… and 11 more" in shown
    assert "61 task runs   ✓ 60 completed   ✗ 1 failed" in shown


def test_inspect_as_json_holds_all_that_is_known(perdure: Perdure):
    load("monday")
    run = documents(perdure, "flow-run", "inspect", "on-monday")
    assert run["parameters"] == {"day": "monday"}
    assert [state["type"] for state in run["states"]] == ["PENDING", "RUNNING", "COMPLETED"]
    assert [each["name"] for each in run["subflow_runs"]] == ["child-2"]
    assert len(run["task_runs"]) == 4
    assert run["started"].endswith("+00:00")
    assert run["duration_seconds"] > 0


def test_a_task_run_is_inspected_by_the_path_of_its_names(perdure: Perdure):
    load("monday")
    assert "✓ Completed  double-1" in perdure("task-run", "inspect", "on-monday/double-1").stdout
    assert documents(perdure, "task-run", "inspect", "on-monday/double-0")["tags"] == ["nightly"]


def test_a_name_of_several_runs_stands_for_the_newest_and_that_is_said(perdure: Perdure):
    load("monday")
    newest = documents(perdure, "task-run", "ls", "--task", "double")[0]["id"]
    ended = perdure("task-run", "inspect", "double-1")
    assert f"id         {newest}" in ended.stdout
    assert ended.stderr.startswith(f"2 task runs are called 'double-1'; this is the newest, {newest}, of ")


def test_the_beginning_of_several_ids_is_refused_with_the_ids(perdure: Perdure):
    load("monday")
    ids = [run["id"] for run in documents(perdure, "task-run", "ls")]
    ended = perdure("task-run", "inspect", ids[0][:8])
    assert ended.exit_code == 1
    assert f"{ids[0][:8]!r} stands for several task runs: {', '.join(ids)}. Give the id of one" in ended.stderr


def test_a_run_that_is_not_there_is_named_with_the_nearest(perdure: Perdure):
    load("monday")
    ended = perdure("flow-run", "inspect", "on-munday")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == "Error: There is no flow run 'on-munday'. Did you mean 'on-monday'?\n"


def test_a_run_of_the_other_kind_is_pointed_to(perdure: Perdure):
    load("monday")
    ended = perdure("flow-run", "inspect", "on-monday/double-0")
    assert "Try `perdure task-run inspect on-monday/double-0`." in ended.stderr


def test_logs_are_printed_with_the_run_they_belong_to(perdure: Perdure):
    with pytest.raises(ValueError, match="unlucky"):
        child(14)
    lines = perdure("flow-run", "logs", "child-14").stdout.splitlines()
    assert any(line.endswith("  WARNING   child-14  child of 14") for line in lines)
    assert any("  ERROR     double-13  Task run encountered" in line for line in lines)
    levels = [line["level"] for line in documents(perdure, "flow-run", "logs", "child-14")]
    assert levels == sorted(levels, key=levels.index)
    assert 30 in levels


def test_a_run_without_a_log_says_so(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_LOGGING_TO_ORCHESTRATOR", "false")
    settings.reload()
    load("monday")
    assert "logged nothing" in perdure("flow-run", "logs", "on-monday").stdout


def test_a_name_that_holds_a_line_break_takes_one_line(perdure: Perdure):
    flow(flow_run_name="two\nlines\x1b[31m/and a slash")(lambda: 1)()
    assert "two lines [31m/and a slash" in perdure("flow-run", "ls").stdout
    assert (
        "✓ Completed  two lines [31m/and a slash\n"
        in perdure("flow-run", "inspect", "two\nlines\x1b[31m/and a slash").stdout
    )


@pytest.mark.parametrize("command", ["flow-run ls", "task-run ls", "result ls --kind all"])
def test_a_narrow_list_leaves_out_times_and_keeps_ids(perdure: Perdure, command: str):
    load("monday")
    whole = perdure(*command.split()).stdout.splitlines()
    narrow = perdure(*command.split(), columns=60).stdout.splitlines()
    assert [row.split()[-1] for row in narrow] == [row.split()[-1] for row in whole]
    assert max(map(len, narrow)) <= 60 < max(map(len, whole))


def test_two_runs_are_compared(perdure: Perdure):
    load("monday")
    load("tuesday")
    text = perdure("flow-run", "compare", "on-monday", "on-tuesday").stdout
    assert '"monday"' in text
    assert '"tuesday"' in text
    (calls,) = [line for line in text.splitlines() if line.startswith("double")]
    assert calls.count("2 in") == 2
    assert "Whether their source differs is not recorded: double." in text


def test_a_comparison_is_a_document_for_programs(perdure: Perdure):
    load("monday")
    load("tuesday")
    found = documents(perdure, "flow-run", "compare", "on-monday", "on-tuesday")
    assert (found["before"]["name"], found["after"]["name"]) == ("on-monday", "on-tuesday")
    (day,) = found["parameters"]
    assert (day["before"], day["after"], day["differs"]) == ("monday", "tuesday", True)
    assert [each["of"] for each in found["calls"]] == ["load", "double", "child"]
    assert not found["is_rerun"]


def test_failed_runs_are_listed_by_what_they_failed_of(perdure: Perdure):
    @flow
    def unlucky(number: int) -> None:
        raise ValueError(f"{number} is unlucky")

    for number in (13, 17):
        unlucky(number, return_state=True)
    (row,) = [line for line in perdure("flow-run", "failures").stdout.splitlines() if "unlucky" in line]
    assert row.split()[:5] == ["2", "ValueError:", "…", "is", "unlucky"]
    found = documents(perdure, "flow-run", "failures", "--flow", "unlucky", "--since", "1h")
    assert (found["runs"], found["groups"][0]["type"]) == (2, "builtins.ValueError")


def test_a_list_of_failures_that_is_empty_says_so(perdure: Perdure):
    assert perdure("flow-run", "failures").stdout == "No flow run has failed.\n"
