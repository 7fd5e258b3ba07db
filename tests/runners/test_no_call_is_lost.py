"""Whatever is raised while calls travel, for one of them or for the worker, each of them comes to an end."""

import itertools
import pickle
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from perdure._model.state_types import StateType
from perdure._model.states import State
from perdure._runners import batches
from perdure._runners.batches import BatchingTaskRunner, BatchRefused, WorkerLost
from perdure._runners.envelopes import Answer, Message, Returned, Sent
from perdure.task_runners import ThreadTaskRunner

PATIENCE = 60.0  # seconds


@pytest.fixture(autouse=True, scope="module")
def threads_that_die() -> Iterator[None]:
    """Threads of runners end by what these tests raise in them, some of them after their test has ended."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda _: None)
        yield


class Stopped(BaseException):
    """What no handler of exceptions catches."""


class Fault:
    """Raises an error once, at the first call of something."""

    def __init__(self, at: str, kind: type[BaseException]) -> None:
        self.at = at
        self.kind = kind
        self._left = iter((True,))

    def meet(self, what: str) -> None:
        if what == self.at and next(self._left, False):
            raise self.kind(f"at {what}")


class Call:
    """A call that has been submitted; it can be tried again for ever."""

    kind, resources = "short", ()

    def __init__(self, number: int, fault: Fault) -> None:
        self.name = self.run_id = str(number)
        self.fault = fault
        self.ended = threading.Event()

    def ready_call(self, _: object) -> Any:
        self.fault.meet("ready_call")
        return self

    def report(self, _: object, __: bool) -> None:
        self.fault.meet("report")

    def is_stopping(self) -> bool:
        self.fault.meet("is_stopping")
        return False

    def put_back(self) -> bool:
        self.fault.meet("put_back")
        return True

    def end_below(self, _: object, __: BaseException) -> None:
        self.fault.meet("end_below")

    def lose(self, _: BaseException, __: int, again: Callable[[], None]) -> None:
        self.fault.meet("lose")
        again()

    def arrive(self, _: State[object]) -> None:
        self.ended.set()
        self.fault.meet("arrive")

    def crash(self, _: BaseException) -> None:
        self.ended.set()
        self.fault.meet("crash")

    def cancel(self) -> None:
        self.ended.set()

    def run_here(self) -> None:
        self.ended.set()


class Value:
    """What a call comes to; it may be that it cannot be had."""

    fault: Fault

    def __reduce__(self) -> Any:
        return Value.had, ()

    @staticmethod
    def had() -> int:
        Value.fault.meet("value")
        return 1


class Lane:
    """A way to a worker that goes wrong in one way, once, and answers all from then on."""

    def __init__(self, runner: "Runner") -> None:
        self._runner = runner
        self._calls = 0

    def begin(self, sent: Sent) -> None:
        self._calls = len(sent.calls)
        self._runner.fault.meet("begin")

    def receive(self, _: float) -> Sequence[Message]:
        self._runner.fault.meet("receive")
        how = next(self._runner.story, "answers")
        if how == "loses all":
            raise WorkerLost("it is gone")
        if how == "loses one":
            raise WorkerLost("it is gone", 1)
        if how == "refuses":
            raise BatchRefused("not here")
        if how == "returns":
            return [Returned(range(self._calls))]
        outcome = pickle.dumps((State(StateType.COMPLETED, data=Value()), None))
        answers = [Answer(place, 0.0, outcome, (), False) for place in range(self._calls)]
        return answers[:1] if how == "says again" else answers

    def interrupt(self) -> None:
        """It runs nothing."""

    def kill(self) -> None:
        self._runner.fault.meet("kill")

    def close(self) -> None:
        self._runner.fault.meet("close")


class Runner(BatchingTaskRunner):
    """Sends its calls nowhere."""

    def __init__(self, story: str, fault: Fault) -> None:
        super().__init__(2)
        self.story = iter((story,))
        self.fault = fault
        self._seconds["short"] = 0.0

    def _open(self) -> Lane:
        self.fault.meet("open")
        return Lane(self)


FAULTS = (
    *("ready_call", "report", "is_stopping", "put_back", "end_below", "lose", "arrive", "crash", "value"),
    *("open", "begin", "receive", "kill", "close"),
)
STORIES = ("answers", "returns", "loses all", "loses one", "refuses", "says again")


def all_end(runner: Any, calls: Sequence[Call]) -> list[str]:
    """Submit calls, and wait for them; those that never end."""
    for call in calls:
        runner.submit(call)
    lost = [call.name for call in calls if not call.ended.wait(PATIENCE)]
    runner.stop(wait=not lost)
    return lost


@pytest.mark.parametrize("kind", [RuntimeError, Stopped])
@pytest.mark.parametrize("at", FAULTS)
def test_each_call_ends_whatever_is_raised_on_its_way(
    monkeypatch: pytest.MonkeyPatch, at: str, kind: type[BaseException]
) -> None:
    monkeypatch.setattr(batches, "packed_call", lambda *_: b"")
    for story in STORIES:
        Value.fault = fault = Fault(at, kind)
        assert all_end(Runner(story, fault), [Call(number, fault) for number in range(5)]) == [], story


class TakenMeanwhile(deque[Any]):
    """A queue that somebody else empties just when a thread that took from it has looked at the next one."""

    empty: Callable[[], None]
    looks = 0

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        self.looks += 1
        if self.looks != 2:
            return found
        emptying = threading.Thread(target=self.empty)
        emptying.start()
        emptying.join(0.1)  # for ever, while the thread that looks has the queue's lock
        return found


def test_a_queue_that_is_cancelled_while_a_thread_takes_from_it_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "packed_call", lambda *_: b"")
    fault = Fault("", RuntimeError)
    runner, calls = Runner("answers", fault), [Call(number, fault) for number in range(4)]
    runner._queue = TakenMeanwhile(calls[:-1])
    runner._queue.empty = runner.cancel
    runner.submit(calls[-1])

    assert [call.name for call in calls if not call.ended.wait(PATIENCE)] == []
    runner.stop()


@pytest.mark.parametrize("make", [lambda: ThreadTaskRunner(1), lambda: Runner("answers", Fault("", RuntimeError))])
def test_calls_for_which_the_system_has_no_thread_any_more_end_crashed(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[], ThreadTaskRunner]
) -> None:
    monkeypatch.setattr(batches, "packed_call", lambda *_: b"")
    runner, fault = make(), Fault("", RuntimeError)
    last, queued = Call(0, fault), Call(1, fault)
    start, starts, started = threading.Thread.start, itertools.count(), list[threading.Thread]()

    def dies(_: Any) -> None:
        runner._queue.append(queued)
        last.ended.set()
        raise Stopped

    def start_once(thread: threading.Thread) -> None:
        if next(starts):
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(runner, "_run", dies)
    monkeypatch.setattr(Call, "crash", lambda self, _: self.ended.set() if self is queued else dies(self))
    monkeypatch.setattr(threading.Thread, "start", start_once)
    runner.submit(last)

    assert queued.ended.wait(PATIENCE)
    started[0].join(PATIENCE)
