"""The calls of a batch, in the worker that runs them: one after another, each answered as soon as it has ended."""

import contextlib
import os
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from perdure._engine.lifecycle.begin import may_begin
from perdure._execution.submission import run_interruptibly
from perdure._model.errors import SerializationError
from perdure._model.exceptions import stand_in
from perdure._model.records import CancelRecord
from perdure._platform import forks
from perdure._platform.redaction import redact
from perdure._results.types import LiteralResult, UnpersistedResult
from perdure._results.worker_values import HeldResult, Packed
from perdure._run.arguments import is_atom
from perdure._run.context import FlowRunContext, current_transaction
from perdure._run.controller import taking_signals
from perdure._run.log_reporting import traceback_of
from perdure._runners.envelopes import Answer, Message, Reported, Returned, call_of
from perdure._runners.threads import ThreadTaskRunner
from perdure._serializers.references import dumps
from perdure._session import session as sessions
from perdure._store.recorder import recording

_LARGE = 65_536  # bytes from which on a value stays where it was made, if it can
_LONG = 0.1  # seconds that a batch may hold up calls which have not begun, and what it has reported

_nested = ThreadTaskRunner()  # runs what the calls themselves submit


class Post:
    """How a batch reaches who has sent it. This one sends each message at once."""

    holds = False  # whether large values stay where the batch runs

    def __init__(self, send: Callable[[Message], None]) -> None:
        self.send = send

    def pass_on(self) -> None:
        """The batch takes long: have what it has said arrive."""

    def keep(self, value: Packed) -> object:
        """Keep a value where the batch runs; gives what its holder knows it by."""
        raise NotImplementedError

    def check(self) -> None:
        """Make sure that the batch is still this worker's, before something is changed that others see.

        Raises:
            CancelRequested: it is not.
        """


class Batch:
    """Runs its calls in order, and says what there is to say of them, from any thread."""

    def __init__(self, calls: Sequence[bytes], shared: bytes, post: Post) -> None:
        self._calls = deque(enumerate(calls))
        self._shared = shared
        self._post = post
        self._answering = threading.Lock()  # held from taking records or calls to passing them on
        self._recorder = sessions.record()
        self._session = sessions.current()
        self._flow: FlowRunContext | None = None
        self._has_ended = threading.Event()
        self._is_stopped = False
        self.check = post.check

    def run(self) -> None:
        """Run the calls, in this thread, until there are none or the flow run is cancelled."""
        try:
            shared = pickle.loads(self._shared)
        except Exception as error:
            self._refuse_all(error)
            return
        flow = self._flow = next((each for each in shared if isinstance(each, FlowRunContext)), None)
        progress = threading.Thread(target=self._watch, name="perdure-progress", daemon=True)
        token = recording.set(self)
        with ExitStack() as stack:
            stack.callback(recording.reset, token)
            if flow is not None:
                flow.task_runner = _nested
                self._session.own(flow.root)
                stack.enter_context(taking_signals(flow.controller, self._cancellation(flow)))
            progress.start()
            try:
                while self._calls and not self._is_to_stop(flow):
                    self._run_next(shared)
            finally:
                self._has_ended.set()
        self.take_back()

    def stop(self) -> None:
        """Begin no more of its calls, and interrupt the one that runs."""
        self._is_stopped = True
        flow = self._flow
        if flow is not None:
            if flow.controller.request is None:
                flow.controller.cancel(self._cancellation(flow))
            flow.controller.interrupt()

    def _cancellation(self, flow: FlowRunContext) -> CancelRecord:
        return CancelRecord(flow.id, "its flow run", self._session.clock(), 0)

    def _is_to_stop(self, flow: FlowRunContext | None) -> bool:
        return self._is_stopped or not may_begin(flow)

    def take_back(self) -> None:
        """Return the calls that have not begun, and do not begin them."""
        places: list[int] = []
        with self._answering:  # until it is said: a batch that ended meanwhile would be silent about them for ever
            with contextlib.suppress(IndexError):
                while True:
                    places.append(self._calls.pop()[0])
            if places:
                self._post.send(Returned(places[::-1]))

    def _run_next(self, shared: Sequence[object]) -> None:
        try:
            place, packed = self._calls.popleft()
        except IndexError:  # they were taken back
            return
        began = time.perf_counter()
        try:
            call = call_of(packed, shared)
        except Exception as error:
            self._end(place, began, _refusal(error))
            return
        transaction = call.run.transaction
        if transaction is not None:
            transaction.root.runtime = transaction.runtime = self._session
        current_transaction.set(transaction)
        state = run_interruptibly(call, self._session)
        if call.run.generation != forks.generation:  # the task has forked, and this is the child
            sys.stdout.flush()
            os._exit(0)
        self._end(place, began, _packed(state, call.run.options.name, self._post))

    def _end(self, place: int, began: float, outcome: bytes) -> None:
        if sessions.current() is not self._session:  # the task has changed settings
            sessions.current().orchestrator.flush()
        with self._answering:
            records, is_awaited = self._recorder.take(self)
            self._post.send(Answer(place, time.perf_counter() - began, outcome, records, is_awaited))

    def _refuse_all(self, error: Exception) -> None:
        outcome, began = _refusal(error), time.perf_counter()
        while self._calls:
            with contextlib.suppress(IndexError):
                self._end(self._calls.popleft()[0], began, outcome)

    def _watch(self) -> None:
        """Return what has not begun when the batch takes long, and pass on what calls report while they run."""
        while not self._has_ended.wait(_LONG):
            self.take_back()
            with self._answering:
                if self._recorder.holds_any(self):
                    self._post.send(Reported(*self._recorder.take(self)))
            self._post.pass_on()
            if self._is_stopped:  # what could not be interrupted before, perhaps now
                self.stop()


def _refusal(error: Exception) -> bytes:
    reason = f"The task or its arguments cannot be had in its process: {type(error).__name__}: {error}"
    advice = "Have the module be found on sys.path or PYTHONPATH, or use a ThreadTaskRunner"
    return pickle.dumps((None, SerializationError(f"{reason}. {advice}.")))


def _packed(state: Any, name: str, post: Post) -> bytes:
    """A state, pickled, with its exception if that is not in it; or None and why it cannot be."""
    data = state.data
    if isinstance(data, LiteralResult) or (isinstance(data, UnpersistedResult) and _is_small(data.in_memory, post)):
        return pickle.dumps((state, None), pickle.HIGHEST_PROTOCOL)
    error = None if state.data is None else state.data.in_memory
    if state.is_completed() or not isinstance(error, BaseException):
        error = None
    else:
        _note_traceback(error)
    is_beside = error is not None and not isinstance(state.data, UnpersistedResult)
    try:
        if post.holds and state.is_completed() and isinstance(data, UnpersistedResult):
            value = Packed.of(data.in_memory)
            if value.size > _LARGE:
                state.data = HeldResult(post.keep(value), value.size, data.python_type)
        return dumps((state, error if is_beside else None))
    except Exception as failure:
        if error is None:
            reason = f"The value of the task '{name}' cannot be sent back from its process: {failure}"
            advice = "Persist it, or use a ThreadTaskRunner"
            return pickle.dumps((None, SerializationError(f"{reason}. {advice}.")))
    error = stand_in(error, dumps)
    if not is_beside:
        state.data = UnpersistedResult(error)
    return dumps((state, error if is_beside else None))


def _is_small(value: object, post: Post) -> bool:
    """Whether a value is sure to come back with its answer, and to be pickled."""
    return is_atom(value) and not (post.holds and sys.getsizeof(value) > _LARGE)


def _note_traceback(error: BaseException) -> None:
    """Tracebacks cannot be pickled; whoever sees the exception in the other process is to know where it is from."""

    shown = redact(traceback_of(error))
    if shown:
        with contextlib.suppress(Exception):  # a class may refuse notes
            error.add_note(f"In the process of its task:\n{shown}")
