"""Submitted tasks in processes of their own: one child for each thread, so that a lost child is one lost task."""

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO
from weakref import WeakSet

from perdure._platform import programs
from perdure._platform.files import working_directory
from perdure._run.controller import SIGNAL
from perdure._runners.batches import MOST, BatchingTaskRunner, WorkerLost
from perdure._runners.envelopes import Message, Sent
from perdure._settings import settings

_LENGTH = 8  # bytes before each message that say how long it is
_PIPE = 1_000_000  # bytes of answers that may wait to be read, where the system has such pipes
_CAN_WAIT = sys.platform != "win32"  # for a pipe, for some time; elsewhere each call goes alone


class ProcessTaskRunner(BatchingTaskRunner):
    """Runs tasks in processes, for work that keeps Python busy.

    The task, its arguments and its value go between processes by cloudpickle, so functions of the main
    script need no `if __name__ == "__main__"`. Short calls travel in batches. A child that dies takes only
    the call with it that it ran, which is tried again if it has `retries` left, and ends Crashed if not.

    Args:
        max_workers: how many processes at most. Without it, the setting
            PERDURE_TASK_RUNNER_MAX_WORKERS, else as many as the machine has processors.
    """

    _most = MOST if _CAN_WAIT else 1

    def __init__(self, max_workers: int | None = None) -> None:
        super().__init__(max_workers)

    def _default_limit(self) -> int:
        return os.cpu_count() or 1

    def _open(self) -> "Child":
        return Child()


_children: "WeakSet[Child]" = WeakSet()


def _close_in_fork() -> None:
    """In a forked child: the parent's processes have to see its end, however long this one lives."""
    for child in tuple(_children):
        child.close_in_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_close_in_fork)


class Child:
    """A process that runs batches of calls, written to its standard input; their answers are read from its output.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self) -> None:
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
                [sys.executable, "-m", "perdure._execution.process_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                pass_fds=() if printed is None else (printed,),
            )
        finally:
            if printed is not None:
                os.close(printed)
        self._read = bytearray()  # of messages that are not all there
        # Whether it has begun its batch, as far as it has said so. One that has never said anything counts as one that
        # had: else others would be tried for ever.
        self._has_begun = self._is_used = False
        if _CAN_WAIT:
            _enlarge(self._output.fileno())
            self._answers = select.poll()  # not `select`, which fails where many files are open
            self._answers.register(self._output, select.POLLIN)
        _children.add(self)

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def close_in_fork(self) -> None:
        """In a forked child: hold the pipes to the process no longer."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError, AttributeError):  # it is closed
                os.dup2(nothing, stream.fileno(), inheritable=False)  # type: ignore[union-attr]
        os.close(nothing)

    def begin(self, sent: Sent) -> None:
        """Send a batch."""
        self._has_begun, self._is_used = not self._is_used, True
        try:
            send(self._input, pickle.dumps((sent.shared, sent.calls), pickle.HIGHEST_PROTOCOL))
        except OSError as error:
            raise self._lost() from error

    def receive(self, linger: float) -> Sequence[Message]:
        """The messages of the batch that have come."""
        messages = self._next_messages(linger)
        # That a batch is there is said by nothing: the process has begun its first call.
        self._has_begun = self._has_begun or None in messages
        return [each for each in messages if each is not None]

    def _next_messages(self, linger: float) -> Sequence[Message | None]:
        if not _CAN_WAIT:
            try:
                return (pickle.loads(receive(self._output)),)
            except (EOFError, OSError) as error:
                raise self._lost() from error
        self._answers.poll()
        if linger:
            time.sleep(linger)
        data = os.read(self._output.fileno(), _PIPE)
        self._read += data
        messages = self._whole_messages()
        if not data and not messages:
            raise self._lost()
        return messages

    def _whole_messages(self) -> list[Message | None]:
        messages: list[Message | None] = []
        at = 0
        while len(self._read) - at >= _LENGTH:
            end = at + _LENGTH + int.from_bytes(self._read[at : at + _LENGTH], "big")
            if len(self._read) < end:
                break
            messages.append(pickle.loads(memoryview(self._read)[at + _LENGTH : end]))
            at = end
        del self._read[:at]
        return messages

    def _lost(self) -> WorkerLost:
        code, pid = self._process.wait(), self._process.pid
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return WorkerLost(f"process {pid} {how}", int(self._has_begun))

    def interrupt(self) -> None:
        """Interrupt the task that the process runs, if it runs one."""
        if SIGNAL is not None:
            self._process.send_signal(SIGNAL)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """Let the process end by itself, and wait for it."""
        for stream in (self._input, self._output):
            with suppress(BrokenPipeError):  # what was not sent is lost with the process
                stream.close()
        self._process.wait()


def _enlarge(pipe: int) -> None:
    """Have a pipe hold the answers of a batch, so that the child does not wait for us to read them."""
    import fcntl

    with suppress(OSError, AttributeError):  # only Linux has it, and there may be a lower limit
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


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
