"""Calls that travel together: which of them are lost with their worker, which go elsewhere, and what is recorded."""

import os
import pickle
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, task
from perdure._execution.worker_batch import Batch, Post
from perdure._runners.batches import MOST, BatchingTaskRunner
from perdure._runners.batches import Batch as OnItsWay
from perdure._runners.envelopes import Answer, Message, Returned
from perdure.errors import CrashedRun, OrchestratorError
from perdure.records import FlowRun, RunFilter, StateRecord
from perdure.task_runners import ProcessTaskRunner

pytestmark = pytest.mark.slow  # each has processes of its own


@task
def note(number: int, path: str, killer: int | None) -> int:
    with Path(path).open("a") as file:
        file.write(f"{number}\n")
    if number == killer:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@task(retries=2)
def dies(path: str, times: int) -> int:
    with Path(path).open("a") as file:
        file.write("x")
    count = len(Path(path).read_text())
    if count <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return count


def states_of(run_id: str) -> list[str]:
    return [state.name for state in session.current().orchestrator.states(run_id)]


def test_a_killed_worker_loses_the_call_that_it_ran_and_no_other_runs_twice(tmp_path: Path) -> None:
    path = tmp_path / "calls"

    @flow(task_runner=ProcessTaskRunner(1))
    def maps() -> list[str]:
        note.map(range(100, 150), str(tmp_path / "warm"), None).result()  # from here on, such calls go together
        return [state.name for state in note.map(range(60), str(path), 30, return_state=True)]

    assert maps() == ["Completed"] * 30 + ["Crashed"] + ["Completed"] * 29
    runs = session.current().orchestrator.task_runs(RunFilter())
    assert [run.state_name for run in runs].count("Crashed") == 1
    assert sorted(map(int, path.read_text().split())) == list(range(60))


def test_what_is_lost_says_how_its_worker_ended(tmp_path: Path) -> None:
    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        return [note.submit(1, str(tmp_path / "calls"), 1).result(raise_on_failure=False)]

    (error,) = submits()
    assert isinstance(error, CrashedRun)
    assert "was killed by SIGKILL" in str(error)


def test_retries_count_for_a_lost_worker(tmp_path: Path) -> None:
    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> int:
        return dies.submit(str(tmp_path / "calls"), 2).result()

    assert submits() == 3
    (run,) = session.current().orchestrator.task_runs(RunFilter())
    names = states_of(run.id)
    assert names.count("AwaitingRetry") == 2
    assert names[-1] == "Completed"


def test_a_call_that_kills_each_worker_is_stopped_after_its_retries(tmp_path: Path) -> None:
    path = tmp_path / "calls"

    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        return dies.submit(str(path), 9).wait().name, note.submit(1, str(tmp_path / "other"), None).result()

    lost, other = submits()
    assert (lost, other) == ("Crashed", 1)
    assert path.read_text() == "xxx"


@task(persist_result=True)
def step() -> int:
    return 1


@flow
def flow_that_dies() -> None:
    step()  # which is committed, and its flow run with it
    os.kill(os.getpid(), signal.SIGKILL)


@task
def task_that_dies(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


@task(retries=1)
def calls(path: str | None) -> None:
    if path is None:
        flow_that_dies()
    else:
        task_that_dies.submit(path).wait()


class Called:
    """A short call that is tried again at once if it is lost."""

    kind, resources = "short", ()

    def __init__(self, number: int) -> None:
        self.run_id = str(number)

    def end_below(self, others: Sequence[Any], error: BaseException) -> None:
        """It has called nothing."""

    def lose(self, error: BaseException, attempts: int, again: Callable[[], None]) -> None:
        """It has retries left."""
        again()

    def put_back(self) -> bool:
        """It was not cancelled."""
        return True


def test_calls_that_were_lost_together_go_alone_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchingTaskRunner, "_call_thread", lambda _: None)
    runner: Any = BatchingTaskRunner(max_workers=1)

    runner._seconds = {"short": 0.001}
    works: Any = [Called(number) for number in range(5)]

    runner._after_loss(OnItsWay(works[:3]), "it is gone", None)  # as on a cluster: which had begun is not known
    runner._queue.extend(works[3:])

    assert [len(runner._taken()) for _ in range(4)] == [1, 1, 1, 2]


def test_what_a_lost_call_had_called_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "go"
    known = session.current().orchestrator

    @flow(task_runner=ProcessTaskRunner(1))
    def loses() -> list[str]:
        first = calls.submit(str(path))
        while not known.task_runs(RunFilter(of="task_that_dies")):  # until it is known, nobody would miss it
            time.sleep(0.01)
        path.touch()
        return [first.wait().name, calls.submit(None).wait().name]

    assert loses() == ["Crashed", "Crashed"]
    below = [*known.task_runs(RunFilter(of="task_that_dies")), *known.flow_runs(RunFilter(of="flow-that-dies"))]
    assert {run.state_name for run in below} == {"Crashed"}
    assert all("was killed by SIGKILL" in str(run.state_message) for run in below)
    assert len([run for run in below if isinstance(run, FlowRun)]) == 2  # one of each attempt


def test_a_worker_that_died_with_nothing_to_do_takes_no_call_with_it() -> None:
    @task
    def pid() -> int:
        return os.getpid()

    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        first = pid.submit().result()
        os.kill(first, signal.SIGKILL)
        return first, pid.submit().result()

    first, second = submits()
    assert first != second


@task
def size_of(_: int, value: bytes | None) -> int:
    return 0 if value is None else len(value)


def test_calls_with_large_arguments_do_not_all_go_together() -> None:
    @flow(task_runner=ProcessTaskRunner(1))
    def maps() -> list[int]:
        size_of.map(range(20), None).result()
        return size_of.map(range(8), b"x" * 3_000_000).result()

    assert maps() == [3_000_000] * 8


def test_calls_that_cannot_be_recorded_end_crashed_and_their_worker_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    @flow(task_runner=ProcessTaskRunner(1))
    def maps() -> list[str]:
        size_of.map(range(20), None).result()
        report = session.current().report

        def fails(_: Sequence[Any]) -> None:
            monkeypatch.setattr(session.current(), "report", report)
            raise OrchestratorError("no room")

        lost = size_of.map(range(5), b"x")
        monkeypatch.setattr(session.current(), "report", fails)
        names = {state.name for state in lost.states()}
        return [*sorted(names), *{state.name for state in size_of.map(range(5), b"x").states()}]

    assert maps()[-1] == "Completed"


def test_short_calls_are_recorded_together(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[int] = []
    taken = BatchingTaskRunner._taken

    def noted(self: BatchingTaskRunner) -> Sequence[Any]:
        works = taken(self)
        sizes.append(len(works))
        return works

    monkeypatch.setattr(BatchingTaskRunner, "_taken", noted)
    commits = 0

    @flow(task_runner=ProcessTaskRunner(1))
    def maps() -> None:
        nonlocal commits
        note.map(range(20), str(tmp_path / "calls"), None).result()
        commit = session.current().orchestrator.commit

        def counted(records: Sequence[StateRecord]) -> None:
            nonlocal commits
            commits += 1
            commit(records)

        monkeypatch.setattr(session.current(), "commit", counted)
        note.map(range(1_000), str(tmp_path / "calls"), None).result()

    maps()
    assert 1 < max(sizes) <= MOST
    assert commits <= len(sizes) + 1  # one for each batch that leaves; nobody waits for what comes of these


class SlowPost(Post):
    """Takes its time to pass on which calls are returned."""

    def __init__(self) -> None:
        super().__init__(self.take)
        self.taken: list[Message] = []

    def take(self, message: Message) -> None:
        if isinstance(message, Returned):
            time.sleep(0.3)
        self.taken.append(message)


class Sleeps:
    """A call that takes long to be read, and is none."""

    def __reduce__(self) -> Any:
        return time.sleep, (0.2,)


def test_a_batch_has_not_ended_before_it_has_said_which_calls_it_returns() -> None:
    post = SlowPost()
    Batch([pickle.dumps(Sleeps())] * 2, pickle.dumps([]), post).run()
    assert {type(each) for each in post.taken} == {Answer, Returned}
