"""The setting that says where submitted tasks run."""

import os
import threading

import pytest

from perdure import flow, settings, task
from perdure.errors import SettingError
from perdure.task_runners import SequentialTaskRunner, ThreadTaskRunner


@task
def place() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


@flow
def below() -> tuple[int, int]:
    return place.submit().result()


@task
def calls_a_flow() -> tuple[int, int]:
    return below()


@flow
def places() -> list[tuple[int, int]]:
    return [place.submit().result(), calls_a_flow.submit().result()]


@pytest.mark.slow
def test_a_flow_runs_in_processes_by_the_setting_alone() -> None:
    with settings.temporary_settings(task_runner="processes", task_runner_max_workers=1):
        (first, _), (inside, _) = places()
    assert first != os.getpid()
    assert inside == first  # in a worker there are threads, not processes of its own


def test_a_flow_runs_in_its_own_thread_by_the_setting_alone() -> None:
    here = os.getpid(), threading.get_ident()
    with settings.temporary_settings(task_runner="sequential"):
        assert places() == [here, here]


def test_a_task_runner_of_the_flow_counts_before_the_setting() -> None:
    with settings.temporary_settings(task_runner="sequential"):
        (_, thread), _ = places.with_options(task_runner=ThreadTaskRunner(1))()
    assert thread != threading.get_ident()
    with settings.temporary_settings(task_runner="threads"):
        (_, thread), _ = places.with_options(task_runner=SequentialTaskRunner())()
    assert thread == threading.get_ident()


def test_a_task_runner_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_TASK_RUNNER", "fibres")
    with pytest.raises(SettingError, match="one of threads, processes, sequential"):
        settings.reload()
