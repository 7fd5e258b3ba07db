"""An exception that is raised in another thread comes where it may, whatever the thread does meanwhile."""

import builtins
import logging
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from perdure import flow, quote, task
from perdure._platform.interruption import may_be_left, raise_in_thread
from tests.prepared import run


class Interrupted(BaseException):
    pass


class Worker:
    """A thread that is in code which may be interrupted and in code which may not, by turns."""

    def __init__(self) -> None:
        self.is_inside, self.interrupted, self.wrongly = False, 0, 0
        self._is_to_end = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    @property
    def ident(self) -> int:
        assert self._thread.ident is not None
        return self._thread.ident

    def end(self) -> None:
        self._is_to_end.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._is_to_end.is_set():
            try:
                while not self._is_to_end.is_set():
                    for _ in range(3):
                        str(1)
                    self.ours()
            except Interrupted:
                self.interrupted += 1
                self.wrongly += self.is_inside
                self.is_inside = False

    def ours(self) -> None:
        self.is_inside = True
        for _ in range(30):
            str(1)
        self.is_inside = False


def is_in_work(frame: FrameType) -> bool:
    """Whether it is in `_work` itself, and in nothing that this calls."""
    return frame.f_code is Worker._work.__code__


@pytest.fixture
def hasty() -> Iterator[None]:
    """Python goes from thread to thread at every instruction where it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.slow
@pytest.mark.usefixtures("hasty")
def test_an_exception_never_comes_in_what_the_thread_went_on_to() -> None:
    def after_a_moment(frame: FrameType) -> bool:
        was_there = is_in_work(frame)
        time.sleep(0.001)
        return was_there

    worker = Worker()
    end = time.monotonic() + 60
    while worker.interrupted < 30 and time.monotonic() < end:
        raise_in_thread(worker.ident, Interrupted, after_a_moment)
    worker.end()
    assert worker.interrupted >= 30
    assert worker.wrongly == 0


def test_a_thread_that_has_ended_gets_none() -> None:
    worker = Worker()
    worker.end()
    assert not raise_in_thread(worker.ident, Interrupted, is_in_work)


def test_nothing_is_raised_where_it_may_not_be() -> None:
    worker = Worker()
    assert not raise_in_thread(worker.ident, Interrupted, lambda _: False)
    worker.end()
    assert worker.interrupted == 0


def test_a_thread_that_begins_to_wait_while_it_is_looked_at_is_woken() -> None:
    """What ends its wait is looked up after the exception has been raised: who comes to wait later finds that."""
    worker, woken = Worker(), threading.Lock()
    ends_of_waits: dict[int, Any] = {}
    woken.acquire()

    def may(_: FrameType) -> bool:
        ends_of_waits[worker.ident] = woken.release
        return True

    end = time.monotonic() + 60
    while not raise_in_thread(worker.ident, Interrupted, may, ends_of_waits):
        assert time.monotonic() < end
    worker.end()
    assert woken.acquire(timeout=60)


class Slow(logging.Handler):
    """Says when a line is being written, and takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.is_writing, self.goes_on, self.is_outside = threading.Event(), threading.Event(), True

    def emit(self, record: logging.LogRecord) -> None:
        self.is_outside = may_be_left(sys._getframe())
        self.is_writing.set()
        self.goes_on.wait(30)


@pytest.mark.parametrize("threads", [False, True])
def test_a_timeout_waits_for_the_line_that_is_being_logged(threads: bool) -> None:
    """Between taking a handler's lock and noting that it has it, an exception would leave it locked for ever."""
    handler, logger = Slow(), logging.Logger("slow")
    logger.addHandler(handler)
    ended: list[str] = []

    @task(timeout_seconds=0.05)
    def logs() -> None:
        logger.warning("a line")
        while True:
            time.sleep(0.01)

    def let_go() -> None:
        handler.is_writing.wait(30)
        time.sleep(0.2)  # the time is up meanwhile
        ended.append("let go")
        handler.goes_on.set()

    def calls() -> str:
        state = logs.submit().wait() if threads else logs(return_state=True)
        return state.name

    threading.Thread(target=let_go).start()
    ended.append(flow(calls)())

    assert ended == ["let go", "TimedOut"]
    assert not handler.is_outside


def test_the_look_comes_after_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread runs while `ctypes` is imported for the first time: what was seen before that says nothing."""
    worker, importing = Worker(), builtins.__import__
    looked: list[str] = []

    def slowly(name: str, *rest: Any) -> Any:
        looked.append(name)
        return importing(name, *rest)

    def may(_: FrameType) -> bool:
        looked.append("look")
        return False

    monkeypatch.setattr(builtins, "__import__", slowly)
    raise_in_thread(worker.ident, Interrupted, may)
    monkeypatch.undo()
    worker.end()
    assert [each for each in looked if each in ("ctypes", "look")] == ["ctypes", "look"]


LOOKS = """
import gc, threading, time
from perdure._platform.interruption import raise_in_thread

gc.callbacks.append(lambda *_: time.sleep(0))  # lets another thread run, as a finalizer may
gc.set_threshold(5)
end = time.monotonic() + 1

def starts_threads():
    while time.monotonic() < end:
        thread = threading.Thread(target=bool)
        thread.start()
        thread.join()

threads = [threading.Thread(target=starts_threads, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
while time.monotonic() < end:
    raise_in_thread(threads[0].ident, KeyboardInterrupt, lambda frame: False)
print(gc.isenabled())
"""


@pytest.mark.slow
def test_threads_that_begin_while_others_are_looked_at_wait_for_nobody() -> None:
    assert run("-c", LOOKS, timeout=60).stdout == "True\n"


TRACED = """
import sys, threading, time
sys.settrace(lambda *_: None), threading.settrace(lambda *_: None)
from perdure import flow, quote, task

met = threading.Event()

@task(timeout_seconds=0.1)
def meets():
    met.wait()
    while True:
        time.sleep(0.001)

@task(timeout_seconds=0.1)
def waits(other):
    other.wait()

@task
def lets_meet():
    time.sleep(0.5)
    met.set()

@flow
def meeting():
    last = lets_meet.submit()
    return [future.wait().name for future in (meets.submit(), waits.submit(quote(last)), last)]

print(meeting(return_state=True).result(raise_on_failure=False))
"""


@pytest.mark.slow
def test_a_thread_that_is_blocked_when_its_time_is_up_stalls_no_other_one_while_python_is_traced() -> None:
    assert "['TimedOut', 'TimedOut', 'Completed']" in run("-c", TRACED, timeout=60).stdout


def test_a_task_in_a_thread_that_waits_for_a_run_ends_when_its_time_is_up() -> None:
    goes_on = threading.Event()

    @task
    def other() -> None:
        goes_on.wait(60)

    @task(timeout_seconds=0.05)
    def waits(future: Any) -> None:
        future.wait()

    @flow
    def meeting() -> str:
        future = other.submit()
        try:
            return waits.submit(quote(future)).wait().name
        finally:
            goes_on.set()

    assert meeting() == "TimedOut"


def test_a_timeout_that_is_over_before_its_thread_has_begun_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_start_joinable_thread" if hasattr(threading, "_start_joinable_thread") else "_start_new_thread"
    begin = getattr(threading, name)
    restore = threading.Condition._acquire_restore  # type: ignore[attr-defined]
    beginning = threading.local()

    def begin_late(function: Any, *given: Any, **named: Any) -> Any:
        if function.__self__.name != "perdure-timeout":
            return begin(function, *given, **named)
        beginning.waits = True
        return begin(lambda: (time.sleep(0.05), function()), *given, **named)

    def restore_slowly(condition: threading.Condition, lock: Any) -> None:
        if getattr(beginning, "waits", False):  # an exception here has the lock released that is not held
            time.sleep(0.1)
        restore(condition, lock)

    @task(timeout_seconds=0.001)
    def never_ends() -> None:
        while True:
            time.sleep(0.001)

    @flow
    def submits() -> str:
        return never_ends.submit().wait().name

    monkeypatch.setattr(threading, name, begin_late)
    monkeypatch.setattr(threading.Condition, "_acquire_restore", restore_slowly)
    assert submits() == "TimedOut"
