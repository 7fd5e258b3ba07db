"""Small names that users of Prefect know: what each does."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, get_client, get_run_logger, session, task
from perdure.artifacts import create_progress_artifact, update_progress_artifact
from perdure.context import FlowRunContext, TaskRunContext, get_run_context
from perdure.errors import MissingContext
from perdure.logging import disable_run_logger, get_logger
from perdure.records import ArtifactFilter
from perdure.runtime import flow_run
from perdure.settings import temporary_settings
from perdure.testing.utilities import prefect_test_harness
from perdure.variables import Variable, get


def test_the_run_context_is_that_of_the_innermost_run() -> None:
    @task
    def name_within() -> tuple[str, str]:
        context = get_run_context()
        return context.task_run.name, context.flow.flow_run.name

    @flow(flow_run_name="outside")
    def outside() -> tuple[str, str, str]:
        return get_run_context().flow_run.name, *name_within()

    assert outside() == ("outside", "name_within-0", "outside")


def test_there_is_no_run_context_outside_of_runs() -> None:
    with pytest.raises(MissingContext):
        get_run_context()


def test_the_current_run_of_a_kind_is_got_or_none() -> None:
    def kinds() -> tuple[str | None, str | None]:
        flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
        return flow_run and flow_run.flow_name, task_run and task_run.name

    within = task(name="within")(kinds)

    @flow
    def outside() -> tuple[object, object]:
        return kinds(), within()

    assert outside() == (("outside", None), ("outside", "within-0"))
    assert within() == (None, "within-0")
    assert kinds() == (None, None)


def test_progress_is_updated_by_either_name() -> None:
    id = create_progress_artifact(10.0)
    assert update_progress_artifact(artifact_id=id, progress=100.0) == id
    (record,) = session.current().orchestrator.artifacts(ArtifactFilter(ids=(id,)))
    assert json.loads(record.data) == {"percent": 100.0}


def test_plain_loggers_are_below_ours() -> None:
    assert get_logger().name == "perdure"
    assert get_logger("etl").name == get_logger("perdure.etl").name == "perdure.etl"


def test_without_the_run_logger_runs_log_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow
    def talks() -> None:
        get_run_logger().warning("heard")

    talks()  # the first run sets logging up
    monkeypatch.setattr(logging.getLogger("perdure"), "propagate", True)
    caplog.clear()
    with disable_run_logger():
        talks()
    assert "heard" not in caplog.text
    talks()
    assert "heard" in caplog.text


def test_a_variable_is_got_by_a_function() -> None:
    Variable.set("size", 3)
    assert (get("size"), get("none", 7)) == (3, 7)


def test_a_test_harness_has_a_home_of_its_own() -> None:
    Variable.set("outside", 1)
    with prefect_test_harness() as home:
        assert isinstance(home, Path)
        assert get("outside") is None
    assert get("outside") == 1


def test_functions_that_log_are_called_by_tests_while_runs_log_nothing() -> None:
    @task
    def say() -> str:
        get_run_logger().info("hei")
        return "said"

    with pytest.raises(MissingContext):
        say.fn()
    with disable_run_logger():
        assert say.fn() == "said"
    assert say() == "said"


def test_plain_loggers_hide_secrets_too(caplog: pytest.LogCaptureFixture) -> None:
    with temporary_settings(api_token="a-token-of-twenty-signs"):
        get_logger("etl").warning("the token is %s", "a-token-of-twenty-signs")
    assert "the token is " in caplog.text
    assert "twenty" not in caplog.text


def test_a_secret_where_a_long_line_is_cut_is_hidden_whole() -> None:
    @flow
    def say() -> None:
        get_run_logger().warning("%s", "." * 999_990 + "a-token-of-twenty-signs")

    with temporary_settings(api_token="a-token-of-twenty-signs"):
        say()
    with get_client(sync_client=True) as client:
        (line,) = [each.message for each in client.read_logs() if each.message.startswith("..")]
    assert "a-tok" not in line


def test_outside_of_runs_the_scheduled_time_is_now() -> None:
    before = datetime.now(UTC)
    assert before <= flow_run.scheduled_start_time <= datetime.now(UTC)


def test_secrets_are_hidden_from_handlers_of_others(caplog: pytest.LogCaptureFixture) -> None:
    @flow(log_prints=True)
    def say() -> None:
        get_run_logger().warning("the token is %s", "a-token-of-twenty-signs")
        print("it is a-token-of-twenty-signs")

    with temporary_settings(api_token="a-token-of-twenty-signs"):
        say()
    assert "the token is " in caplog.text
    assert "twenty" not in caplog.text


def test_runs_are_had_as_dicts() -> None:
    @task
    def name_of_both() -> tuple[Any, Any]:
        flow_run, task_run = FlowRunContext.get(), get_run_context().task_run
        assert flow_run is not None
        return flow_run.flow_run.dict()["name"], task_run.model_dump()["state_name"]

    @flow(flow_run_name="outside")
    def outside() -> tuple[Any, Any]:
        return name_of_both()

    assert outside() == ("outside", "Running")
    with get_client(sync_client=True) as client:
        (read,) = client.read_flow_runs()
    assert read.dict() == read.model_dump()
    assert {name: read.dict()[name] for name in ("name", "flow_name", "parameters", "state_name")} == {
        "name": "outside",
        "flow_name": "outside",
        "parameters": {},
        "state_name": "Completed",
    }
