"""The child process of a `ProcessTaskRunner`: `python -m perdure._execution.child`."""

import contextlib
import json
import os
import pickle
import select
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any


def main() -> None:
    """Run the tasks that come in on standard input, and answer with their states, until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    printed = os.environ.pop("PERDURE_WORKER_STDOUT", None)
    os.dup2(sys.stderr.fileno() if printed is None else int(printed), sys.stdout.fileno())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle, which then ends us
    sys.path[:] = os.environ.pop("PERDURE_WORKER_PATH").split(os.pathsep)
    from perdure._platform import programs
    from perdure._run.logs import watch_prints
    from perdure._runners.processes import send

    sent = json.loads(os.environ.pop("PERDURE_WORKER_PROGRAMS"))
    programs.runs_tasks_of({module: (name, project) for module, (name, project) in sent.items()})
    watch_prints()  # the program, whose decorators do, is in the other process
    inbox = _Inbox()
    while (request := inbox.next()) is not None:
        answer = _answer(request)
        inbox.is_busy = False
        send(answers, answer)


class _Inbox:
    """Takes requests in a thread of its own, so that it knows of the parent's end while a task runs.

    Then the process ends at once: a resume of the flow run takes its tasks for lost, and runs them again.
    """

    def __init__(self) -> None:
        self.is_busy = False
        self._requests: SimpleQueue[bytes | None] = SimpleQueue()
        threading.Thread(target=self._receive, name="perdure-inbox", daemon=True).start()

    def next(self) -> bytes | None:
        """The next request, waited for; None when there will be none."""
        return self._requests.get()

    def _receive(self) -> None:
        from perdure._runners.processes import receive

        while True:
            try:
                request = receive(sys.stdin.buffer)
            except EOFError:
                if self.is_busy:
                    os._exit(1)
                self._requests.put(None)
                return
            if sys.platform != "win32" and select.select([sys.stdin], [], [], 0)[0]:
                os._exit(1)  # nothing more comes before the answer: this is the end of a parent that waits for none
            self.is_busy = True
            self._requests.put(request)


def _answer(request: bytes) -> bytes:
    """What the task came to, pickled: its state, with the exception if that is not in it; or why there is none."""
    from perdure._execution.submission import run_interruptibly
    from perdure._model.errors import SerializationError
    from perdure._model.records import CancelRecord
    from perdure._run.context import current_transaction
    from perdure._run.controller import taking_signals
    from perdure._session import session as sessions

    try:
        call = pickle.loads(request)
    except Exception as error:
        reason = f"The task or its arguments cannot be had in its process: {type(error).__name__}: {error}"
        advice = "Have the module be found on sys.path or PYTHONPATH, or use a ThreadTaskRunner"
        return pickle.dumps((None, SerializationError(f"{reason}. {advice}.")))
    session = sessions.current()
    transaction = call.run.transaction
    if transaction is not None:
        transaction.root.runtime = transaction.runtime = session
    current_transaction.set(transaction)
    if call.run.flow is not None:
        session.own(call.run.flow.root)
    if call.run.flow is None:
        state = run_interruptibly(call, session)
    else:
        cancellation = CancelRecord(call.run.flow.id, "its flow run", session.clock(), 0)
        with taking_signals(call.run.flow.controller, cancellation):
            state = run_interruptibly(call, session)
    session.orchestrator.flush()  # this process may be lost at any moment from here on
    return _packed(state, call.run.options.name)


def _packed(state: Any, name: str) -> bytes:
    from perdure._model.errors import SerializationError
    from perdure._model.exceptions import stand_in
    from perdure._results.types import UnpersistedResult
    from perdure._serializers.references import dumps

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
    from perdure._platform.secrecy import without_secrets
    from perdure._run.logs import traceback_of

    shown = without_secrets(traceback_of(error))
    if shown:
        with contextlib.suppress(Exception):  # a class may refuse notes
            error.add_note(f"In the process of its task:\n{shown}")


if __name__ == "__main__":
    main()
