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

from perdure._execution.submission import run_interruptibly
from perdure._model.errors import SerializationError
from perdure._model.exceptions import stand_in
from perdure._model.records import CancelRecord
from perdure._platform import forks
from perdure._platform.secrecy import without_secrets
from perdure._results.types import LiteralResult, UnpersistedResult
from perdure._run.arguments import is_atom
from perdure._run.context import FlowRunContext, current_transaction
from perdure._run.controller import taking_signals
from perdure._run.logs import traceback_of
from perdure._runners.envelopes import Answer, Message, Reported, Returned, call_of
from perdure._runners.threads import ThreadTaskRunner
from perdure._serializers.references import dumps
from perdure._session import session as sessions
from perdure._session.session import Session
from perdure._store.recorder import Recorder

_LONG = 0.1  # seconds after which what a call has reported is passed on while it runs

_recorder: Recorder | None = None
_nested = ThreadTaskRunner()  # runs what the calls themselves submit


class Batch:
    """Runs its calls in order; `answer` is called with what there is to say of them, from any thread."""

    def __init__(self, calls: Sequence[bytes], shared: bytes, answer: Callable[[Message], None]) -> None:
        self._calls = deque(enumerate(calls))
        self._shared = shared
        self._answer = answer
        self._answering = threading.Lock()  # held from taking records to passing them on: so they stay in order
        self._session, self._recorder = _recording_session()
        self._has_ended = threading.Event()

    def run(self) -> None:
        """Run the calls, in this thread, until there are none or the flow run is cancelled."""
        try:
            shared = pickle.loads(self._shared)
        except Exception as error:
            self._refuse_all(error)
            return
        flow: FlowRunContext | None = next((each for each in shared if isinstance(each, FlowRunContext)), None)
        progress = threading.Thread(target=self._pass_on, name="perdure-progress", daemon=True)
        with ExitStack() as stack:
            if flow is not None:
                flow.task_runner = _nested
                self._session.own(flow.root)
                request = CancelRecord(flow.id, "its flow run", self._session.clock(), 0)
                stack.enter_context(taking_signals(flow.controller, request))
            progress.start()
            try:
                while self._calls and not (flow is not None and flow.controller.request is not None):
                    self._run_next(shared)
            finally:
                self._has_ended.set()
        self.take_back()

    def take_back(self) -> None:
        """Return the calls that have not begun, and do not begin them."""
        places: list[int] = []
        with contextlib.suppress(IndexError):
            while True:
                places.append(self._calls.pop()[0])
        if places:
            self._answer(Returned(places[::-1]))

    def _run_next(self, shared: Sequence[Any]) -> None:
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
        self._end(place, began, _packed(state, call.run.options.name))

    def _end(self, place: int, began: float, outcome: bytes) -> None:
        if sessions.current() is not self._session:  # the task has changed settings
            sessions.current().orchestrator.flush()
        with self._answering:
            records, is_awaited = self._recorder.take()
            self._answer(Answer(place, time.perf_counter() - began, outcome, records, is_awaited))

    def _refuse_all(self, error: Exception) -> None:
        outcome, began = _refusal(error), time.perf_counter()
        while self._calls:
            with contextlib.suppress(IndexError):
                self._end(self._calls.popleft()[0], began, outcome)

    def _pass_on(self) -> None:
        """Pass on what calls report that take long, while they run."""
        while not self._has_ended.wait(_LONG):
            if self._recorder.holds_any:
                with self._answering:
                    self._answer(Reported(*self._recorder.take()))


def _recording_session() -> tuple[Session, Recorder]:
    """This process's session, which keeps what is reported for those who sent the calls."""
    global _recorder
    if _recorder is None or sessions.current().orchestrator is not _recorder:  # the settings were changed
        _recorder = sessions.record()
    return sessions.current(), _recorder


def _refusal(error: Exception) -> bytes:
    reason = f"The task or its arguments cannot be had in its process: {type(error).__name__}: {error}"
    advice = "Have the module be found on sys.path or PYTHONPATH, or use a ThreadTaskRunner"
    return pickle.dumps((None, SerializationError(f"{reason}. {advice}.")))


def _packed(state: Any, name: str) -> bytes:
    """A state, pickled, with its exception if that is not in it; or None and why it cannot be."""
    data = state.data
    if isinstance(data, LiteralResult) or (isinstance(data, UnpersistedResult) and is_atom(data.in_memory)):
        return pickle.dumps((state, None), pickle.HIGHEST_PROTOCOL)
    error = None if state.data is None else state.data.in_memory
    if state.is_completed() or not isinstance(error, BaseException):
        error = None
    else:
        _note_traceback(error)
    is_beside = error is not None and not isinstance(state.data, UnpersistedResult)
    try:
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


def _note_traceback(error: BaseException) -> None:
    """Tracebacks cannot be pickled; whoever sees the exception in the other process is to know where it is from."""

    shown = without_secrets(traceback_of(error))
    if shown:
        with contextlib.suppress(Exception):  # a class may refuse notes
            error.add_note(f"In the process of its task:\n{shown}")
