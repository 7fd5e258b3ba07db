"""Running several runs in one process, one after another, as a worker hands them over (`_worker.reused_processes`).

The flow is loaded with the first run, and kept with all that its module has. What the process is beside that, each run
finds as the first one did: environment, directory, `sys.path` and `sys.argv`, streams, signal handlers and timers, and
context variables; random numbers begin anew. A run that leaves a thread or a process behind, or that did not come to
its end by itself, is the process's last one.
"""

import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path

from perdure._engine.recovery.resumption import Resumable
from perdure._execution.flows import Flow
from perdure._model.records import StartRecord
from perdure._model.state_types import StateType
from perdure._rooms.runs.records import FlowRun
from perdure._settings import settings
from perdure._worker.reused_processes import BEGUN, MOST_BYTES, STALE
from perdure.cli import find
from perdure.cli.flow_run_resume import begun, code_of, flow_at, waiting

# Exit codes: completed, failed, suspended. Who cancels a run may kill its process: that is not to have another one.
_CAME_TO_ITS_END = frozenset({0, 1, 5})
# Perdure's own, which serve all runs of a process.
_OWN_THREADS = frozenset({"perdure-heartbeat", "perdure-flusher", "perdure-durability", "perdure-inbox"})
_LOOK_SECONDS = 1.0  # between two looks at whether what was loaded has changed
_ENDING_SECONDS = 0.2  # for threads that a run has asked to end
_FIRST_EPOCH = 1  # of a run that nobody has begun
_MIB = 1 << 20


def serve(line: socket.socket) -> int:
    """Run what is handed over until nothing more is, or a run was the process's last one; its exit code."""
    line.set_inheritable(False)
    return _Kept(line).serve()


class _Kept:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._context = copy_context()
        self._loaded: tuple[dict[str, str], Flow[..., object], _Surroundings] | None = None
        self._threads: set[threading.Thread] = set()
        self._code = _Code()

    def serve(self) -> int:
        while message := self._line.recv(MOST_BYTES + 1):
            if self._code.has_changed():
                self._line.send(STALE)
                return 0
            self._line.send(BEGUN)
            code = self._context.copy().run(self._run, json.loads(message))
            if code not in _CAME_TO_ITS_END or not self._has_left_nothing():
                return code
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            with suppress(OSError):  # the worker is gone, and so nothing more will come
                self._line.send(f"{code} {_memory():.1f}".encode())
        return 0

    def _run(self, asked: dict[str, object]) -> int:
        id, known = asked["run"], asked["known"]
        assert isinstance(id, str)
        found = waiting(find.flow_run(id)) if known is None else _resumable(known)
        flow = self._flow_of(found)
        sys.argv = [*sys.argv[:1], "flow-run", "start", "--quiet", id]
        return begun(flow, found).exit_code

    def _flow_of(self, found: Resumable) -> Flow[..., object]:
        """The flow of a run; the process is as it was when the flow had been loaded."""
        entry = code_of(found.run, found.start)
        if self._loaded is not None and self._loaded[0] == entry:
            self._loaded[2].restore()
        else:
            self._loaded = entry, flow_at(entry), _Surroundings()
            self._threads = set(threading.enumerate())
        self._code.note()
        return self._loaded[1]

    def _has_left_nothing(self) -> bool:
        """Whether nothing that a run has begun is still there."""
        until = time.monotonic() + _ENDING_SECONDS
        for each in threading.enumerate():
            if each not in self._threads and each.name not in _OWN_THREADS:
                each.join(max(0.0, until - time.monotonic()))
                if each.is_alive():
                    return False
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return False


class _Surroundings:
    """What a run finds beside its code."""

    def __init__(self) -> None:
        self._environment = dict(os.environ)
        self._settings = settings.current()
        self._directory = Path.cwd()
        self._path, self._arguments = [*sys.path], [*sys.argv]
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self._hooks = sys.excepthook, threading.excepthook
        self._handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
        self._blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._umask = _umask()
        self._temporary = tempfile.tempdir

    def restore(self) -> None:
        """Have them be as they were; random numbers begin anew."""
        if dict(os.environ) != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
            time.tzset()
        if settings.current() is not self._settings:
            settings.reload()
            self._settings = settings.current()
        os.chdir(self._directory)
        sys.path[:], sys.argv = self._path, [*self._arguments]
        sys.stdin, sys.stdout, sys.stderr = self._streams
        sys.excepthook, threading.excepthook = self._hooks
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._blocked)
        os.umask(self._umask)
        tempfile.tempdir = self._temporary
        random.seed()
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None:
            numpy_random.seed()


class _Code:
    """The files of the modules that were loaded, and when each was changed last."""

    def __init__(self) -> None:
        self._changes: dict[str, int] = {}
        self._modules = 0
        self._next_look = time.monotonic() + _LOOK_SECONDS

    def note(self) -> None:
        """Look after those that were loaded since."""
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        files = {getattr(module, "__file__", None) for module in tuple(sys.modules.values())}
        for file in files:
            if file and file not in self._changes:
                with suppress(OSError):
                    self._changes[file] = _changed(file)

    def has_changed(self) -> bool:
        """Whether one of them has changed, looked at once a second at most."""
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self.note()
        try:
            return any(_changed(file) != change for file, change in self._changes.items())
        except OSError:
            return True


def _changed(file: str) -> int:
    return os.stat(file).st_mtime_ns  # noqa: PTH116 - hundreds of them


def _umask() -> int:
    found = os.umask(0o077)
    os.umask(found)
    return found


def _resumable(known: object) -> Resumable:
    """A run as the worker has found it: whoever has changed it since is noticed when it is claimed."""
    assert isinstance(known, list)
    run, start = FlowRun(*known[0]), StartRecord(*known[1])
    kind = None if run.state_type is None else StateType(run.state_type)
    return Resumable(run._replace(state_type=kind), start, 0, 0, False, seen=_FIRST_EPOCH)


def _memory() -> float:
    """MiB that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / _MIB


__all__ = ["serve"]
