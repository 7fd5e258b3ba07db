"""Settings and runtime values that users of Prefect set."""

import pickle
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, runtime, settings, task
from perdure.errors import SettingError
from perdure.filesystems import LocalFileSystem


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def give(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(f"PERDURE_{name}", value)
        settings.reload()

    return give


@task(persist_result=True)
def give_one() -> list[int]:
    return [1]


@flow
def outer() -> str:
    return str(give_one(return_state=True).data.storage.basepath)


@flow
def outermost() -> str:
    return outer()


def test_results_that_name_no_storage_go_to_the_default_one(given: Any, tmp_path: Path) -> None:
    LocalFileSystem(basepath=tmp_path / "mine").save("mine")
    given(DEFAULT_RESULT_STORAGE_BLOCK="local-file-system/mine")
    assert outermost() == outer() == str(tmp_path / "mine")
    assert str(give_one(return_state=True).data.storage.basepath) == str(tmp_path / "mine")
    assert outer.with_options(result_storage=LocalFileSystem(basepath=tmp_path / "own"))() == str(tmp_path / "own")


def test_a_default_storage_that_is_not_there_is_said_before_the_task_runs(given: Any) -> None:
    calls = []

    @task(persist_result=True)
    def counts() -> None:
        calls.append(1)

    given(DEFAULT_RESULT_STORAGE_BLOCK="local-file-system/none-such")
    state = counts(return_state=True)
    assert state.is_failed() or state.is_crashed()
    assert calls == []


@pytest.mark.parametrize("slug", ["s3", "a/b/c", "/tmp/results", "./results"])
def test_a_default_storage_is_a_slug(given: Any, slug: str) -> None:
    with pytest.raises(SettingError, match="slug"):
        given(DEFAULT_RESULT_STORAGE_BLOCK=slug)


@pytest.mark.parametrize(
    ("setting", "option", "runs"), [("true", None, 2), ("true", False, 1), ("false", None, 1), ("false", True, 2)]
)
def test_caches_are_refreshed_as_the_task_or_else_the_setting_says(
    given: Any, setting: str, option: bool | None, runs: int
) -> None:
    calls = []

    @task(cache_key_fn=lambda: f"{setting} {option}", refresh_cache=option)
    def counts() -> int:
        calls.append(1)
        return 3

    given(TASKS_REFRESH_CACHE=setting)
    counts()
    counts()
    assert len(calls) == runs


def test_tests_say_by_the_environment_what_the_current_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "FLOW_RUN__ID": "an-id",
        "FLOW_RUN__NAME": "nightly",
        "FLOW_RUN__RUN_COUNT": "3",
        "FLOW_RUN__TAGS": '["a", "b"]',
        "FLOW_RUN__PARAMETERS": '{"x": 1}',
        "FLOW_RUN__SCHEDULED_START_TIME": "2026-05-01T12:00:00+00:00",
        "TASK_RUN__NAME": "extract",
        "DEPLOYMENT__NAME": "prod",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"PERDURE__RUNTIME__{name}", value)
    run = runtime.flow_run
    assert (run.id, run.name, run.run_count, run.tags, run.parameters) == ("an-id", "nightly", 3, ["a", "b"], {"x": 1})
    assert run.scheduled_start_time == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert (runtime.task_run.name, runtime.deployment.name) == ("extract", "prod")
    assert run.flow_name is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settings.reload()


def test_within_a_run_the_environment_hides_only_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE__RUNTIME__FLOW_RUN__NAME", "nightly")

    @flow(flow_run_name="daily")
    def asks() -> tuple[Any, Any]:
        return runtime.flow_run.name, runtime.flow_run.flow_name

    assert asks() == ("nightly", "asks")


def test_a_value_of_the_environment_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE__RUNTIME__FLOW_RUN__RUN_COUNT", "many")
    with pytest.raises(SettingError, match="'many'; it must be a whole number"):
        _ = runtime.flow_run.run_count
    with pytest.raises(AttributeError):
        _ = runtime.flow_run.no_such  # type: ignore[attr-defined]


def test_what_is_asked_about_the_current_run_goes_to_other_processes() -> None:
    assert type(pickle.loads(pickle.dumps(runtime.flow_run))) is type(runtime.flow_run)


def test_a_run_without_a_server_has_no_address() -> None:
    @flow
    def asks() -> tuple[Any, ...]:
        return runtime.flow_run.api_url, runtime.flow_run.ui_url, runtime.flow_run.parent_deployment_id

    assert asks() == (None, None, None)
    assert runtime.flow_run.api_url is None


def test_a_run_with_a_server_has_the_address_of_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE__RUNTIME__FLOW_RUN__ID", "an-id")
    with settings.temporary_settings(api_url="http://127.0.0.1:1"):
        assert runtime.flow_run.api_url == "http://127.0.0.1:1/api/flow-runs/an-id"
        assert runtime.flow_run.ui_url == "http://127.0.0.1:1/flow-runs/an-id"
