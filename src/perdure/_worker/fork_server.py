"""Runs' processes that are forked from one that has imported all that they need.

A process of Python takes 0.4 seconds of a core to import Perdure, and one that is forked from another hundredths. So a
worker keeps a process that has imported it and does nothing else (`perdure.cli.preloaded`): it has one thread, no
connections and none of the users' code, so that nothing of it can be seen in a run.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from perdure._worker.infrastructure import UNKNOWN_CODE

IDLE_SECONDS = 60.0  # without a run, after which the process ends: a schedule of every hour is not to cost its memory
MOST_BYTES = 1 << 20  # of what is asked: an environment, mostly
_ENDING_SECONDS = 1.0
STALE, UNSAFE = b"stale", b"unsafe"
# What an interpreter, or the libraries that it is made of, read when they begin.
_READ_AT_START = ("PYTHON", "LD_", "LC_", "LANG", "MALLOC_", "GLIBC_", "OPENSSL_")


class WarmStart:
    """Has processes forked for runs, where that is safe. Any thread may use it.

    With `at_once` the first one is forked, too: else one alone, for which nobody is to wait.
    """

    def __init__(self, at_once: bool = False) -> None:
        self._lock = threading.Lock()
        self._parent: Preloaded | None = None
        self._last = time.monotonic() if at_once else float("-inf")
        self._is_possible = sys.platform == "linux" and hasattr(os, "pidfd_open")

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: str,
        line: socket.socket | None = None,
    ) -> "ForkedProcess | None":
        """A process of `python -m perdure ...`; None if it is to be started in another way.

        With a `line`, it is a process that runs what comes by that: see `perdure._worker.reused_processes`.
        """
        if not self._is_possible or tuple(command[:3]) != (sys.executable, "-m", "perdure"):
            return None
        with self._lock:
            now = time.monotonic()
            is_alone = line is None and now - self._last > IDLE_SECONDS
            self._last = now
            for _ in range(2):  # the one that there is may be about to end
                if self._parent is None and (is_alone or not self._is_possible):
                    return None
                if self._parent is None:
                    self._parent = Preloaded()
                if not self._parent.is_alike(environment):
                    return None
                try:
                    forked = self._parent.fork(command[3:], environment, directory, line)
                except OSError:
                    forked = STALE
                if isinstance(forked, ForkedProcess):
                    return forked
                self._is_possible = forked != UNSAFE
                self._parent.close()
                self._parent = None
        return None

    def close(self) -> None:
        """Have it end, once what was forked has ended."""
        with self._lock:
            parent, self._parent = self._parent, None
        if parent is not None:
            parent.close()
            parent.is_gone.wait(_ENDING_SECONDS)  # else it outlives a worker whose runs have ended, for a moment


class Preloaded:
    """A process that has imported all."""

    def __init__(self) -> None:
        self._asks, its_asks = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ends, its_ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        weakref.finalize(self, self._asks.close)  # for who forgets to: then the process ends
        self._environment = _read_at_start(os.environ)
        self._codes: dict[int, int] = {}
        with its_asks, its_ends:
            numbers = its_asks.fileno(), its_ends.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "perdure.cli.preloaded", *map(str, numbers)],
                pass_fds=numbers,
                cwd="/",  # no module of a folder that happens to be the worker's
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.is_gone = threading.Event()
        threading.Thread(target=self._hear, name="perdure-forked", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def is_alike(self, environment: Mapping[str, str]) -> bool:
        """Whether a process with these variables begins as this one has begun."""
        return _read_at_start(environment) == self._environment

    def fork(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        directory: str,
        line: socket.socket | None = None,
    ) -> "ForkedProcess | bytes":
        """A process of the command `perdure`, or why there is none.

        Raises:
            OSError: nobody answers.
        """
        asked = {"arguments": list(arguments), "environment": dict(environment), "directory": directory}
        reading, writing = os.pipe()
        output = os.fdopen(reading, "rb")  # whoever has the process closes it
        try:
            numbers = [writing] if line is None else [writing, line.fileno()]
            socket.send_fds(self._asks, [json.dumps(asked).encode()], numbers)
            answer, numbers, _, _ = socket.recv_fds(self._asks, 64, 1)
        except OSError:
            output.close()
            raise
        finally:
            os.close(writing)
        if not numbers:
            output.close()
            return answer or STALE
        return ForkedProcess(int(answer), numbers[0], output, self)

    def code_of(self, pid: int) -> int | None:
        """How one that it forked has ended, once it says so."""
        return self._codes.pop(pid, None)

    def close(self) -> None:
        """Ask it for nothing any more: it ends when all that it forked has ended."""
        self._asks.close()

    def _hear(self) -> None:
        with self._ends:
            with suppress(OSError):
                while message := self._ends.recv(64):
                    pid, code = message.split()
                    self._codes[int(pid)] = int(code)
            self._process.wait()
            self.is_gone.set()


class ForkedProcess:
    """A process that was forked for a run: what a worker needs of `subprocess.Popen`."""

    def __init__(self, pid: int, number: int, stdout: IO[bytes], parent: Preloaded) -> None:
        self.pid = pid
        self.stdout = stdout
        self.number = number  # a descriptor of the process, whoever else gets its id
        self._parent = parent
        self._lock = threading.Lock()
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it is there. Where the process that forked it is gone, nobody knows the code."""
        with self._lock:
            if self._code is None:
                is_gone = self._parent.is_gone.is_set()  # first: the last it says comes before
                self._code = self._parent.code_of(self.pid)
                if self._code is None and is_gone and self._has_ended():
                    self._code = UNKNOWN_CODE
                if self._code is not None:
                    os.close(self.number)
            return self._code

    def _has_ended(self) -> bool:
        looked = select.poll()
        looked.register(self.number, select.POLLIN)
        return bool(looked.poll(0))

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it is there."""
        with self._lock:
            if self._code is None:
                signal.pidfd_send_signal(self.number, number)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


__all__ = ["IDLE_SECONDS", "MOST_BYTES", "STALE", "UNSAFE", "ForkedProcess", "WarmStart"]
