"""Submitted tasks in processes of their own: one child for each thread, so that a lost child is one lost task."""

import json
import os
import pickle
import signal
import sys
import threading
from contextlib import suppress
from typing import IO
from weakref import WeakSet

from perdure._model.errors import CrashedRun, SerializationError
from perdure._platform import programs
from perdure._platform.files import working_directory
from perdure._run.controller import SIGNAL
from perdure._runners.base import Work
from perdure._runners.threads import ThreadTaskRunner
from perdure._settings import settings

_LENGTH = 8  # bytes before each message that say how long it is


class ProcessTaskRunner(ThreadTaskRunner):
    """Runs tasks in processes, for work that keeps Python busy.

    The task, its arguments and its value go between processes by cloudpickle, so functions of the main
    script need no `if __name__ == "__main__"`. A child that dies takes only its own task run with it,
    which ends Crashed.

    Args:
        max_workers: how many processes at most. Without it, the setting
            PERDURE_TASK_RUNNER_MAX_WORKERS, else as many as the machine has processors.
    """

    lends_threads = False
    takes_coroutines = True

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__(max_workers)
        self._children: dict[int, Child] = {}  # by the thread that owns it

    def _default_limit(self) -> int:
        return os.cpu_count() or 1

    def cancel(self) -> None:
        """Cancel all queued tasks, and end the children: their tasks crash."""
        super().cancel()
        for child in tuple(self._children.values()):
            child.kill()

    def interrupt(self) -> None:
        """Have the tasks in the children be interrupted, once each, where the system has signals for it."""
        for child in tuple(self._children.values()):
            child.interrupt()

    def _run(self, work: Work) -> None:
        from perdure._serializers.references import sendable  # few programs use processes; the others start faster

        call = work.ready_call()
        if call is None:
            return
        try:
            request = sendable(call)
        except Exception as error:
            reason = f"The task '{call.run.options.name}' or its arguments cannot be sent to a process: {error}"
            work.crash(SerializationError(f"{reason}. Use a ThreadTaskRunner, or pass what can be pickled."))
            return
        try:
            child = self._child()
        except OSError as error:
            work.crash(CrashedRun(f"A process for the task cannot be started: {error}"))
            return
        try:
            state, raised = pickle.loads(child.ask(request))
        except (EOFError, OSError) as error:
            del self._children[threading.get_ident()]
            work.crash(CrashedRun(f"The process that ran the task was lost: {child.end()}. {error}".strip()))
        except Exception as error:
            work.crash(error)
        else:
            if state is None:
                work.crash(raised)
                return
            if raised is not None:
                state.data.remember(raised)  # else it would be read again, and have no traceback
            work.arrive(state)

    def _child(self) -> "Child":
        child = self._children.get(threading.get_ident())
        if child is None:
            child = self._children[threading.get_ident()] = Child()
        return child

    def _leave(self) -> None:
        child = self._children.pop(threading.get_ident(), None)
        if child is not None:
            child.close()


_children: "WeakSet[Child]" = WeakSet()


def _let_go_in_fork() -> None:
    """In a forked child: the parent's processes have to see its end, however long this one lives."""
    for child in tuple(_children):
        child.let_go_in_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_let_go_in_fork)


class Child:
    """A process that runs one task after another, asked over its standard input and output."""

    def __init__(self) -> None:
        import subprocess

        from perdure._serializers.references import project_of_module

        path = os.pathsep.join(each or working_directory() or "." for each in sys.path)
        environment = {**os.environ, **settings.as_environment(), "PERDURE_WORKER_PATH": path}
        environment["PERDURE_WORKER_PROGRAMS"] = json.dumps(
            {each: (programs.name_of_module(each), project_of_module(each)) for each in programs.programs()}
        )
        # What a task prints goes to our standard output; the child's own one carries the answers.
        printed = _duplicate_of_output()
        if printed is not None:
            environment["PERDURE_WORKER_STDOUT"] = str(printed)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "perdure._execution.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                pass_fds=() if printed is None else (printed,),
            )
        finally:
            if printed is not None:
                os.close(printed)
        _children.add(self)

    def let_go_in_fork(self) -> None:
        """In a forked child: hold the pipes to the process no longer."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError, AttributeError):  # it is closed
                os.dup2(nothing, stream.fileno(), inheritable=False)  # type: ignore[union-attr]
        os.close(nothing)

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for the answer.

        Raises:
            EOFError, OSError: the process is gone.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        send(self._process.stdin, request)
        return receive(self._process.stdout)

    def end(self) -> str:
        """How the process ended, in words."""
        code = self._process.wait()
        self._close_streams()
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def interrupt(self) -> None:
        """Interrupt the task that the process runs, if it runs one."""
        if SIGNAL is not None:
            self._process.send_signal(SIGNAL)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Let the process end by itself, and wait for it."""
        self._close_streams()
        self._process.wait()

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # what was not sent is lost with the process
                stream.close()


def send(stream: IO[bytes], message: bytes) -> None:
    """Write a message with its length."""
    stream.write(len(message).to_bytes(_LENGTH, "big"))
    stream.write(message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read a message.

    Raises:
        EOFError: the other side is gone.
    """
    return _read(stream, int.from_bytes(_read(stream, _LENGTH), "big"))


def _read(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _duplicate_of_output() -> int | None:
    """A descriptor of our standard output for a child; None on Windows, or where there is none."""
    try:
        return None if sys.platform == "win32" else os.dup(sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):
        return None
