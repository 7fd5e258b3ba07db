"""What a task runner must do whose workers are those of a cluster: subclass `ClusterConformance`, with its fixtures."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from perdure import flow, session, task
from perdure._runners.clusters import ClusterTaskRunner
from perdure._runners.handshake import greeting
from perdure.errors import CrashedRun, ResultLost
from perdure.filesystems import LocalFileSystem
from perdure.records import RunFilter
from perdure.testing.task_runner_conformance import TaskRunnerConformance

_PATIENCE = 120.0  # seconds: much more than anything here takes on a busy machine


def wait_until(is_so: Callable[[], Any]) -> None:
    end = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def states_of(run_id: str) -> list[str]:
    return [state.name for state in session.current().orchestrator.states(run_id)]


@task
def pid() -> int:
    return os.getpid()


@task
def made(number: int, others: str) -> np.ndarray:
    Path(others, f"made-{number}").touch()
    wait_until(lambda: len(list(Path(others).glob("made-*"))) == 2)  # so that each worker makes one
    return np.full(100_000, number, dtype="int64")


@task
def added(arrays: list[np.ndarray]) -> tuple[int, bool]:
    arrays[0] += 1  # its own copy
    return int(sum(each.sum() for each in arrays)), arrays[0].flags.writeable


@task
def slow_array(folder: str) -> np.ndarray:
    Path(folder, "began").touch()
    wait_until(Path(folder, "go").exists)
    return np.ones(100_000)


@task
def large_in(number: int, folder: str) -> bytes:
    Path(folder, f"process-{number}").write_text(str(os.getpid()))
    return bytes(1_000_000 + number)


@task
def size_of(value: bytes) -> int:
    return len(value)


@task
def note(number: int, path: str, killer: int | None) -> int:
    with Path(path).open("a") as file:
        file.write(f"{number}\n")
    if number == killer:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@task(retries=1)
def dies(path: str) -> None:
    with Path(path).open("a") as file:
        file.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


@task(retries=20)
def squared(number: int, folder: str) -> int:
    Path(folder, str(os.getpid())).touch()
    time.sleep(0.01)
    return number * number


@task(cache_key_fn=lambda _, parameters: f"cluster-{parameters['number']}")
def cached(number: int) -> int:
    return number


@task(persist_result=True)
def persisted(number: int) -> int:
    return number


class ClusterConformance(TaskRunnerConformance):
    """The behaviour of a task runner of a cluster of two workers, whose files and database are the test's."""

    module: ModuleType  # of the task runner
    lost: str  # a pattern of what is said of the worker that has lost a call
    there: dict[str, Any]  # resources that a worker has
    said_to_be_there: str
    missing: dict[str, Any]  # resources that none has
    said_to_be_missing: str

    @pytest.fixture
    def runner(self) -> ClusterTaskRunner:
        """The runner under test; subclasses override this."""
        raise NotImplementedError

    @pytest.fixture
    def setting(self) -> AbstractContextManager[object]:
        """Within which flows run on the cluster that name no task runner; subclasses override this."""
        raise NotImplementedError

    def is_lost(self, result: Any) -> bool:
        """Whether it is known that a value which the cluster held is gone."""
        raise NotImplementedError

    def is_worker(self, process: int) -> bool:
        """Whether a process is one of the cluster's workers."""
        raise NotImplementedError

    # Values that stay on the cluster

    def test_an_array_goes_from_task_to_task_and_never_comes_here(
        self, runner: ClusterTaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetched: list[Any] = []
        monkeypatch.setattr(self.module._Cluster, "fetch", lambda _, reference: fetched.append(reference))

        @flow(task_runner=runner)
        def reduces() -> Any:
            arrays = made.map([1, 2], str(tmp_path))
            return added.submit(arrays).result(), added.submit(list(arrays)).result()

        assert reduces() == ((400_000, True), (400_000, True))
        assert not fetched

    def test_a_value_that_is_asked_for_comes_here_also_after_the_flow_has_ended(
        self, runner: ClusterTaskRunner, tmp_path: Path
    ) -> None:
        @flow(task_runner=runner)
        def makes() -> Any:
            slow = slow_array.submit(str(tmp_path))
            wait_until((tmp_path / "began").exists)
            time.sleep(0.3)  # so that it says something while it runs, or not: neither may lose the value
            (tmp_path / "go").touch()
            return [slow, *made.map([1, 2], str(tmp_path))]

        slow, first, second = makes()
        assert int(slow.result().sum()) == 100_000
        assert int(first.result().sum()) == 100_000
        assert second.result()[0] == 2

    def test_a_value_whose_worker_has_died_is_lost_with_a_remedy(
        self, runner: ClusterTaskRunner, tmp_path: Path
    ) -> None:
        @flow(task_runner=runner)
        def loses() -> Any:
            futures = large_in.map(range(4), str(tmp_path))
            results = [state.data for state in futures.states()]
            for process in {int(path.read_text()) for path in tmp_path.glob("process-*")}:
                os.kill(process, signal.SIGKILL)
            wait_until(lambda: all(map(self.is_lost, results)))
            with pytest.raises(ResultLost, match="persist_result"):
                futures[0].result()
            after = size_of.submit(futures[1]).wait()
            return after.name, str(after.message)

        name, message = loses()
        assert name == "Crashed"
        assert "persist_result" in message

    # Workers that are killed

    def test_a_lost_call_is_crashed_with_its_worker_named_and_what_is_completed_stays(
        self, runner: ClusterTaskRunner, tmp_path: Path
    ) -> None:
        path = tmp_path / "calls"

        @flow(task_runner=runner)
        def kills() -> Any:
            first = note.map(range(20), str(path), None)
            first.wait()
            lost = note.submit(20, str(path), 20)
            lost.wait()
            names = [each.name for each in first.states()]
            return lost.state.data.get(), names, note.submit(21, str(path), None).result()

        error, names, last = kills()
        assert isinstance(error, CrashedRun)
        assert re.search(self.lost, str(error))
        assert names == ["Completed"] * 20
        assert last == 21
        assert sorted(map(int, path.read_text().split())) == list(range(22))  # none twice

    def test_a_call_that_kills_its_workers_is_tried_as_often_as_its_retries_say(
        self, runner: ClusterTaskRunner, tmp_path: Path
    ) -> None:
        @flow(task_runner=runner)
        def tries() -> Any:
            return dies.submit(str(tmp_path / "calls")).wait().name

        assert tries() == "Crashed"
        assert (tmp_path / "calls").read_text() == "xx"
        (run,) = session.current().orchestrator.task_runs(RunFilter())
        assert run.state_name == "Crashed"

    def test_killed_workers_have_no_completed_task_run_again_and_leave_none_running(
        self, runner: ClusterTaskRunner, tmp_path: Path
    ) -> None:
        has_ended, folder = threading.Event(), tmp_path / "processes"
        folder.mkdir()

        def kill() -> None:
            killed: set[str] = set()
            for _ in range(2):
                wait_until(lambda: has_ended.is_set() or {path.name for path in folder.iterdir()} - killed)
                has_ended.wait(0.3)
                if not has_ended.is_set():
                    process = ({path.name for path in folder.iterdir()} - killed).pop()
                    killed.add(process)
                    with suppress(ProcessLookupError):
                        os.kill(int(process), signal.SIGKILL)

        @flow(task_runner=runner)
        def maps() -> list[int]:
            return squared.map(range(150), str(folder)).result()

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            assert maps() == [number * number for number in range(150)]
        finally:
            has_ended.set()
            killer.join()
        runs = session.current().orchestrator.task_runs(RunFilter())
        assert {run.state_name for run in runs} == {"Completed"}
        for run in runs:
            assert states_of(run.id).count("Completed") == 1
            assert states_of(run.id)[-1] == "Completed"

    # What is refused

    def test_a_worker_of_another_version_is_refused(
        self, runner: ClusterTaskRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def older() -> bytes:
            sent = json.loads(greeting())
            return json.dumps(sent | {"versions": sent["versions"] | {"Python": "3.9"}}).encode()

        monkeypatch.setattr(self.module, "greeting", older)

        @flow(task_runner=runner)
        def submits() -> Any:
            return pid.submit().wait().message

        assert "Install Python 3.9 there" in submits()

    def test_a_worker_that_sees_neither_the_database_nor_the_storage_says_which_setting_it_needs(
        self, runner: ClusterTaskRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        def elsewhere() -> bytes:
            sent = json.loads(greeting())
            return json.dumps(sent | {"settings": {"PERDURE_HOME": str(tmp_path / "elsewhere")}}).encode()

        monkeypatch.setattr(self.module, "greeting", elsewhere)
        monkeypatch.setattr(LocalFileSystem, "exists", lambda *_: False)  # as on another machine, which this is not

        @flow(task_runner=runner)
        def submits() -> Any:
            futures = [pid.submit(), cached.submit(1), persisted.submit(1)]
            return [(state.name, str(state.message)) for state in (future.wait() for future in futures)]

        (plain, _), (of_cache, why), (of_storage, why_not_kept) = submits()
        assert (plain, of_cache, of_storage) == ("Completed", "Crashed", "Crashed")
        assert "PERDURE_API_URL" in why
        assert "PERDURE_LOCAL_STORAGE_PATH" in why_not_kept

    def test_resources_are_the_clusters_and_what_no_worker_has_is_refused(self, runner: ClusterTaskRunner) -> None:
        there, missing = task(pid.fn, resources=self.there), task(pid.fn, resources=self.missing)

        @flow(task_runner=runner)
        def submits() -> Any:
            return there.submit().result(), missing.submit().wait().message, pid.submit().wait().name

        process, refusal, after = submits()
        assert self.is_worker(process)
        assert after == "Completed"
        assert self.said_to_be_missing in refusal
        assert self.said_to_be_there in refusal

    def test_a_flow_runs_on_the_cluster_by_the_setting_alone(self, setting: AbstractContextManager[object]) -> None:
        @flow
        def submits() -> int:
            return pid.submit().result()

        with setting:
            assert self.is_worker(submits())
