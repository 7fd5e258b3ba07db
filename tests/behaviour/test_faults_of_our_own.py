"""Whatever goes wrong in Perdure's own code while a submitted task runs and ends, those who wait for it get to know."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import perdure
from perdure import State, flow, task
from perdure._run.pending import Pending
from perdure.states import Completed, Failed
from perdure.task_runners import ThreadTaskRunner

_OURS = str(Path(perdure.__file__).parent)
_ENDINGS = ("submission.py", "engine", "core/pending.py", "task_runners", "session.py", "logs.py", "mapping.py")


class Fault:
    """Raises an error where a worker thread enters the `place`-th function of ours, once."""

    def __init__(self, place: int, error: type[BaseException]) -> None:
        self.left = place
        self._error = error
        self._lock = threading.Lock()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event != "call" or not file.startswith(_OURS) or not file[len(_OURS) + 1 :].startswith(_ENDINGS):
            return
        if not threading.current_thread().name.startswith("perdure-worker") or frame.f_code.co_name in _THREADS:
            return
        with self._lock:
            self.left -= 1
            is_here = self.left == 0
        if is_here:
            raise self._error("injected")


_THREADS = ("_work",)  # a thread that does not even begin


@pytest.fixture(autouse=True)
def untraced() -> Any:
    before = sys.gettrace()
    yield
    threading.settrace(before)  # type: ignore[arg-type]


@task
def double(n: int) -> int:
    return 2 * n


@task
def fails(n: int) -> int:
    raise ValueError(n)


@task
def nested(n: int) -> int:
    return double.submit(n).result()


def _one(n: int) -> list[Any]:
    return [double.submit(n)]


def _chain(n: int) -> list[Any]:
    first = double.submit(n)
    return [first, double.submit(first)]


def _mapped(n: int) -> list[Any]:
    return list(double.map(range(3 + n % 2)))


def _several(n: int) -> list[Any]:
    return [fails.submit(n), nested.submit(n)]


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # the fault itself, where a thread ends
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([_one, _chain, _mapped, _several]),
    st.integers(1, 120),
    st.sampled_from([MemoryError, RecursionError, RuntimeError, KeyboardInterrupt, SystemExit]),
)
def test_each_future_comes_to_a_state_whatever_is_raised_in_our_own_code(
    submit: Callable[[int], list[Pending]], place: int, error: type[BaseException]
) -> None:
    ended: list[bool] = []
    fault = Fault(place, error)

    @flow(task_runner=ThreadTaskRunner(max_workers=2))
    def submits() -> str:
        threading.settrace(fault)
        try:
            futures = submit(place)
            ended.extend(each.block(8) for each in futures)
        finally:
            threading.settrace(None)  # type: ignore[arg-type]
        return "done"

    run_within(20, lambda: submits(return_state=True))

    assert ended
    assert all(ended)


def run_within(seconds: float, call: Callable[[], Any]) -> None:
    thread = threading.Thread(target=_quietly, args=(call,), daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"


def _quietly(call: Callable[[], Any]) -> None:
    try:
        call()
    except BaseException:  # what the flow comes to is not what this is about
        return


def test_callbacks_are_called_whatever_others_of_them_raise() -> None:
    run = Pending("id")
    called = []
    run.when_done(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    run.when_done(lambda: called.append(1))

    run.arrive(Completed())

    assert called == [1]


def test_the_state_that_a_run_came_to_first_stays() -> None:
    run = Pending("id")
    first: State[Any] = Completed()
    run.arrive(first)
    run.arrive(Failed())

    assert run.ended is first


def test_a_runner_that_gets_no_thread_ends_the_run_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    @flow
    def f() -> str:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        future = double.submit(1)
        monkeypatch.undo()
        state = future.wait(10)
        assert state is not None
        return f"{state.type} {state.message}"

    assert f() == "CRASHED Execution was stopped by RuntimeError: can't start new thread"


def test_tasks_that_wait_for_tasks_end_in_an_error_before_they_are_too_deep() -> None:
    @task
    def down(n: int) -> int:
        return 0 if n == 0 else 1 + down.submit(n - 1).result()  # type: ignore[no-any-return]

    @flow
    def f(n: int) -> int:
        return down.submit(n).result()

    assert f(20) == 20
    with pytest.raises(RecursionError, match="nested too deep to begin another one"):
        f(150)


@pytest.mark.parametrize("kind", [task, flow])
def test_a_run_that_calls_itself_for_ever_ends_in_an_error_and_leaves_none_running(kind: Any, known: Any) -> None:
    @kind
    def again(n: int) -> int:
        return again(n + 1)  # type: ignore[no-any-return]

    @flow
    def f() -> int:
        return again(0)  # type: ignore[no-any-return]

    with pytest.raises(RecursionError):
        f()
    runs = (*known.flow_runs(), *known.task_runs())
    assert {run.state_name for run in runs} == {"Failed"}


def test_a_submit_that_is_too_deep_is_an_error_and_nothing_is_waited_for() -> None:
    def deep(n: int) -> Any:
        return deep(n - 1) if n else double.submit(1)

    @flow
    def f() -> str:
        with pytest.raises(RecursionError):
            deep(870)
        return "done"

    assert f() == "done"
