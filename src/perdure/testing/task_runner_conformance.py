"""What every task runner must do, wherever its tasks run: subclass `TaskRunnerConformance`, with a fixture `runner`."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure._engine.coordination.transaction import Transaction
from perdure._execution.control import cancel_flow_run
from perdure._execution.flows import flow
from perdure._execution.limits import concurrency
from perdure._execution.tasks import task
from perdure._execution.transactions import transaction
from perdure._model.argument_marks import allow_failure, unmapped
from perdure._model.errors import CancelledRun
from perdure._rooms.artifacts.creation import create_markdown_artifact
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.limits.records import Limit
from perdure._rooms.logs.records import LogFilter
from perdure._rooms.runs.records import RunFilter
from perdure._run.context import TaskRunContext, tags
from perdure._runners.base import TaskRunner
from perdure._session import session as sessions

__all__ = ["TaskRunnerConformance"]

_PATIENCE = 60.0  # seconds: much more than anything here takes on a busy machine


class Refused(Exception):
    """Cannot be pickled, for what it holds."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


def _wait_for(path: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not path.exists():
        assert time.monotonic() < end, f"{path} has not come"
        time.sleep(0.01)


@task
def double(number: int) -> int:
    """A call that takes no time."""
    return 2 * number


@task
def total(numbers: list[int]) -> int:
    """Of values that other runs came to."""
    return sum(numbers)


@task
async def awaited(number: int) -> int:
    """A coroutine task."""
    return number + 1


@task
def refuse(text: str) -> None:
    """Fails with an exception that cannot be pickled."""
    raise Refused(text)


@task
def type_of(value: object) -> str:
    """What it was given."""
    return type(value).__name__


@task
def nested(depth: int) -> int:
    """Submits tasks, and waits for them."""
    return 0 if depth == 0 else sum(nested.map([depth - 1, depth - 1]).result()) + 1


@flow
def below(number: int) -> int:
    """A subflow, called by a task."""
    return double(number) + double.submit(number).result()


@task
def calls_a_flow(number: int) -> int:
    """Calls a subflow."""
    return below(number)


@task(tags=["own"], task_run_name="named-{number}")
def describes_itself(number: int) -> dict[str, object]:
    """What a run knows of itself."""
    assert number == 7
    run = TaskRunContext.get()
    assert run is not None
    assert run.flow is not None
    return {"name": run.name, "tags": sorted(run.tags), "flow": run.flow.name, "count": run.run_count}


@task(log_prints=True)
def prints(text: str) -> None:
    """Prints, and makes an artifact."""
    print(text)
    create_markdown_artifact(f"# {text}", key="conformance")


@task(retries=2)
def fails_before(path: str) -> int:
    """Fails twice."""
    tries = Path(path)
    with tries.open("a") as file:
        file.write("x")
    if len(tries.read_text()) < 3:
        raise ValueError("not yet")
    return len(tries.read_text())


@task(timeout_seconds=0.2)
def takes(seconds: float) -> float:
    """Sleeps."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
    return seconds


@task
def waits_for(path: str | None, began: str | None = None) -> str | None:
    """Waits until a file is there, if one is named."""
    if began is not None:
        Path(began).touch()
    if path is not None:
        _wait_for(Path(path))
    return path


@task
def large(size: int) -> bytes:
    """Many bytes."""
    return b"x" * size


@task
def length(value: bytes) -> int:
    """How many bytes there are."""
    return len(value)


@task(persist_result=True)
def counts(to: int) -> Iterator[int]:
    """A generator."""
    yield from range(to)


@task
def adds(values: list[int], number: int) -> list[int]:
    """Changes what it was given."""
    values.append(number)
    return values


@task(persist_result=True, cache_key_fn=lambda _, parameters: f"conformance-{parameters['number']}")
def once(number: int, path: str) -> int:
    """Is computed once."""
    with Path(path).open("a") as file:
        file.write("x")
    return number


@task
def is_alone(path: str) -> bool:
    """Whether nobody else is inside the limit."""
    with concurrency("conformance"):
        mark = Path(path)
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        time.sleep(0.02)
        mark.unlink()
    return True


@task
def stores(path: str) -> str:
    """Leaves something that a rollback takes away."""
    Path(path).touch()
    return path


@stores.on_rollback
def _removes(_: Transaction) -> None:
    (path,) = _STORED
    path.unlink()


_STORED: list[Path] = []


class TaskRunnerConformance:
    """The behaviour of a task runner, one test each. Its workers must see the test's files and database."""

    shares_memory = False  # whether its tasks are given the very objects that they were called with
    has_workers = True  # whether tasks run while the flow does something else

    @pytest.fixture
    def runner(self) -> TaskRunner:
        """The runner under test, with two workers; subclasses override this."""
        raise NotImplementedError

    def test_values_come_back_in_the_order_of_the_calls(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def maps() -> list[int]:
            return double.map(range(250)).result()

        assert maps() == [2 * number for number in range(250)]
        runs = sessions.current().orchestrator.task_runs(RunFilter())
        assert {(run.state_name, run.run_count) for run in runs} == {("Completed", 1)}
        assert len(runs) == 250
        names = [state.name for state in sessions.current().orchestrator.states(runs[0].id)]
        assert names == ["Pending", "Running", "Completed"]

    def test_futures_among_arguments_become_their_values(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def chains() -> list[int]:
            doubled = double.map([1, 2, 3])
            both = [total.submit(doubled), total.submit([double.submit(5), 1])]
            return [future.result() for future in both]

        assert chains() == [12, 11]

    def test_coroutine_tasks_run(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def submits() -> int:
            return awaited.submit(1).result()  # type: ignore[return-value]

        assert submits() == 2

    def test_an_exception_comes_back_and_is_allowed_where_it_may_be(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def fails() -> Any:
            good, bad = double.submit(1), refuse.submit("no")
            allowed = type_of.submit(allow_failure(bad))
            prevented = type_of.submit(bad).wait()
            return good.result(), bad.wait().data.get(), allowed.result(), prevented.name

        value, error, allowed, prevented = fails()
        assert (value, str(error), allowed, prevented) == (2, "no", "Refused", "NotReady")
        assert isinstance(error, Refused)

    def test_a_task_submits_tasks_and_calls_flows(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def submits() -> object:
            return [nested.submit(3), calls_a_flow.submit(2)][0].result(), calls_a_flow.submit(3).result()

        assert submits() == (7, 12)
        states = {run.state_name for run in sessions.current().orchestrator.flow_runs(RunFilter())}
        assert states == {"Completed"}

    def test_a_run_knows_its_name_its_tags_and_its_flow(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner, flow_run_name="outer")
        def asks() -> Any:
            with tags("block"):
                return describes_itself.submit(7).result()

        expected = {"name": "named-7", "tags": ["block", "own"], "flow": "outer", "count": 1}
        assert asks() == expected

    def test_prints_and_artifacts_are_recorded(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def reports() -> None:
            prints.map(["first", "second"]).result()

        reports()
        orchestrator = sessions.current().orchestrator
        lines = {line.message for line in orchestrator.log_lines(LogFilter())}
        assert {"first", "second"} <= lines
        assert len(orchestrator.artifacts(ArtifactFilter(key="conformance"))) == 2

    def test_a_failed_call_is_tried_again_and_the_others_are_not(self, runner: TaskRunner, tmp_path: Path) -> None:
        @flow(task_runner=runner)
        def tries() -> list[int]:
            return fails_before.map([str(tmp_path / "a"), str(tmp_path / "b")]).result()

        assert tries() == [3, 3]
        runs = sessions.current().orchestrator.task_runs(RunFilter())
        assert [run.run_count for run in runs] == [3, 3]

    def test_a_call_that_takes_too_long_fails_alone(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def times_out() -> object:
            states = takes.map([0.0, 30.0, 0.0], return_state=True)
            return [state.name for state in states]

        assert times_out() == ["Completed", "TimedOut", "Completed"]

    def test_a_slow_call_does_not_hold_up_the_others(self, runner: TaskRunner, tmp_path: Path) -> None:
        if not self.has_workers:
            pytest.skip("Its tasks run one after another.")

        @flow(task_runner=runner)
        def mixes() -> int:
            waits_for.map([None] * 20).result()  # from here on, calls of the task are taken for short
            slow, *fast = waits_for.map([str(tmp_path / "go"), *[None] * 50])
            assert [future.result(timeout=_PATIENCE) for future in fast] == [None] * 50
            assert not slow.is_done
            (tmp_path / "go").touch()
            return len([slow.result(), *fast])

        assert mixes() == 51

    def test_a_large_value_goes_from_task_to_task(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def passes() -> int:
            return length.submit(large.submit(5_000_000)).result()

        assert passes() == 5_000_000

    def test_a_generator_comes_to_its_items(self, runner: TaskRunner) -> None:
        @flow(task_runner=runner)
        def generates() -> object:
            return list(counts.submit(3).result())

        assert generates() == [0, 1, 2]

    def test_a_call_does_not_see_what_another_has_done_to_their_argument(self, runner: TaskRunner) -> None:
        if self.shares_memory:
            pytest.skip("Its tasks share the objects that they were called with.")

        @flow(task_runner=runner)
        def changes() -> object:
            return adds.map(unmapped([0]), range(1, 41)).result()

        assert changes() == [[0, number] for number in range(1, 41)]

    def test_a_cached_value_is_computed_once(self, runner: TaskRunner, tmp_path: Path) -> None:
        @flow(task_runner=runner)
        def computes() -> list[int]:
            return once.map([1] * 10, unmapped(str(tmp_path / "calls"))).result()

        assert computes() == [1] * 10
        assert (tmp_path / "calls").read_text() == "x"

    def test_a_limit_counts_all_workers(self, runner: TaskRunner, tmp_path: Path) -> None:
        sessions.current().orchestrator.limits.put(Limit("conformance", 1, None, 0))

        @flow(task_runner=runner)
        def enters() -> list[bool]:
            return is_alone.map([str(tmp_path / "inside")] * 6).result()

        assert enters() == [True] * 6

    def test_a_transaction_is_rolled_back(self, runner: TaskRunner, tmp_path: Path) -> None:
        _STORED[:] = [tmp_path / "stored"]

        @flow(task_runner=runner)
        def undoes() -> None:
            with transaction():
                stores.submit(str(tmp_path / "stored")).result()
                assert (tmp_path / "stored").exists()
                raise KeyError("stop")

        with pytest.raises(KeyError):
            undoes()
        assert not (tmp_path / "stored").exists()

    def test_a_cancellation_reaches_what_runs_and_what_waits(self, runner: TaskRunner, tmp_path: Path) -> None:
        if not self.has_workers:
            pytest.skip("Its tasks run in the flow's thread, where tests of cancelling have them.")

        @flow(task_runner=runner)
        def waits() -> None:
            waits_for.map([None] * 20).result()
            waits_for.map([str(tmp_path / "never")] * 12, [str(tmp_path / "began")] * 12).wait()

        asked: list[float] = []

        def cancel() -> None:
            _wait_for(tmp_path / "began")
            (run,) = sessions.current().orchestrator.flow_runs(RunFilter())
            asked.append(time.monotonic())
            cancel_flow_run(run.id, grace=30)

        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(CancelledRun):
            waits()
        assert time.monotonic() < asked[0] + 20  # seconds: before the grace period is over, so it was interrupted
        canceller.join()
        runs = sessions.current().orchestrator.task_runs(RunFilter())
        assert {run.state_name for run in runs} == {"Completed", "Cancelled"}
        assert sum(run.state_name == "Cancelled" for run in runs) == 12
