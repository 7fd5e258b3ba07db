"""Tags, `perdure.runtime`, and the lines that runs log."""

import json
import logging
from typing import Any

import pytest

from perdure import flow, get_run_logger, runtime, tags, task
from perdure.errors import MissingContext


@task
def nothing() -> int:
    return 1


def tags_of(run: Any) -> list[str]:
    return list(json.loads(run.tags))


def test_tags_are_given_to_all_runs_that_begin_inside(known: Any) -> None:
    with tags("a", "b"):
        flow(name="f")(lambda: nothing())()

    assert tags_of(known.flow_run("f")) == ["a", "b"]
    assert tags_of(known.task_run("nothing")) == ["a", "b"]


def test_tags_nest_and_end(known: Any) -> None:
    @flow
    def tagged() -> int:
        with tags("outer"):
            with tags("inner"):
                nothing()
            nothing.submit().wait()
        return nothing()

    tagged()

    assert [tags_of(run) for run in known.task_runs("nothing")] == [["inner", "outer"], ["outer"], []]


def test_a_tasks_own_tags_are_added(known: Any) -> None:
    with tags("given"):
        nothing.with_options(tags=["own"])()

    assert tags_of(known.task_run("nothing")) == ["given", "own"]


def test_a_flows_tags_are_given_to_what_it_calls(known: Any) -> None:
    @flow(name="child")
    def child() -> int:
        return nothing()

    flow(name="parent", tags=["daily"])(lambda: child())()

    assert tags_of(known.flow_run("child")) == ["daily"]
    assert tags_of(known.task_run("nothing")) == ["daily"]


def test_a_tag_is_text() -> None:
    with pytest.raises(TypeError, match="A tag is text; 3"), tags(3):  # type: ignore[arg-type]
        pass


def test_the_runtime_knows_the_current_runs(known: Any) -> None:
    @task(name="inner", tags=["t"])
    def asks(x: int) -> Any:
        run, flow_run = runtime.task_run, runtime.flow_run
        return run.id, run.name, run.task_name, run.parameters, run.tags, run.run_count, flow_run.id

    @flow(name="outer", version="3")
    def calls(y: int) -> Any:
        run = runtime.flow_run
        return asks(5), (run.id, run.name, run.flow_name, run.flow_version, run.parameters, run.run_count)

    of_task, of_flow = calls(6)
    task_run, flow_run = known.task_run("inner"), known.flow_run("outer")

    assert of_task == (task_run.id, "inner-0", "inner", {"x": 5}, ["t"], 1, flow_run.id)
    assert of_flow == (flow_run.id, flow_run.name, "outer", "3", {"y": 6}, 1)


def test_the_runtime_knows_parents_and_roots() -> None:
    @flow
    def child() -> Any:
        run = runtime.flow_run
        return run.parent_flow_run_id, run.root_flow_run_id

    @flow
    def middle() -> Any:
        return child(), runtime.flow_run.id

    @flow
    def top() -> Any:
        return middle(), runtime.flow_run.id, runtime.flow_run.parent_flow_run_id

    ((parent, root), middle_id), top_id, none = top()

    assert (parent, root, none) == (middle_id, top_id, None)


def test_outside_all_runs_the_runtime_is_empty() -> None:
    assert (runtime.flow_run.id, runtime.flow_run.name, runtime.task_run.id) == (None, None, None)
    assert (runtime.flow_run.parameters, runtime.task_run.tags, runtime.deployment.id) == ({}, [], None)


def test_in_a_flow_outside_a_task_there_is_no_task_run() -> None:
    assert flow(lambda: runtime.task_run.id is None)() is True


def test_in_a_submitted_task_the_runtime_knows_its_flow() -> None:
    @task
    def asks() -> Any:
        return runtime.flow_run.id

    @flow
    def calls() -> Any:
        return asks.submit().result() == runtime.flow_run.id

    assert calls() is True


def test_a_line_is_kept_with_its_run(known: Any) -> None:
    @task
    def logs() -> int:
        get_run_logger().warning("from %s", "the task")
        return 1

    @flow
    def calls() -> int:
        get_run_logger().info("from the flow")
        return logs()

    calls()

    task_id, flow_id = known.task_run("logs").id, known.flow_run("calls").id
    (line,) = known.lines(task_run_id=task_id)
    assert (line.level, line.message, line.flow_run_id) == (logging.WARNING, "from the task", flow_id)
    assert {"from the flow", "from the task"} <= {line.message for line in known.lines(flow_id)}


def test_outside_all_runs_there_is_no_run_logger() -> None:
    with pytest.raises(MissingContext):
        get_run_logger()


def test_prints_are_logged_where_asked(known: Any, capsys: pytest.CaptureFixture[str]) -> None:
    @task
    def prints() -> int:
        print("in", "the task", 3)
        return 1

    @task(log_prints=False)
    def prints_plainly() -> int:
        print("plainly")
        return 1

    @flow(log_prints=True)
    def calls() -> int:
        print("in the flow")
        return prints() + prints_plainly()

    calls()
    print("outside")

    messages = [line.message for line in known.lines(known.flow_run("calls").id)]
    assert "in the flow" in messages
    assert "in the task 3" in messages
    assert capsys.readouterr().out == "plainly\noutside\n"


def test_a_failures_traceback_is_logged_once(known: Any) -> None:
    @task
    def fails() -> None:
        raise ValueError("x")

    @flow
    def calls() -> None:
        fails()

    calls(return_state=True)

    lines = known.lines(known.flow_run("calls").id)
    assert sum("Traceback" in line.message for line in lines) == 1


def test_logging_leaves_no_mark_on_what_is_persisted() -> None:
    import pickle

    @task(persist_result=True)
    def fails() -> None:
        raise ValueError("x")

    error = fails(return_state=True).result(raise_on_failure=False)

    assert pickle.loads(pickle.dumps(error)).args == ("x",)


def test_a_logged_traceback_begins_in_the_users_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    @task
    def fails() -> None:
        raise ValueError("x")

    fails(return_state=True)

    shown = capsys.readouterr().err
    assert "in fails" in shown
    assert "drivers.py" not in shown
