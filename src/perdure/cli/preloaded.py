"""`python -m perdure.cli.preloaded ASKS ENDS`: has imported what runs need, and forks a process for each run.

A worker starts it, asks through one socket and hears through the other how processes have ended
(`_worker.fork_server`). It has one thread, no connection to a database, and nothing of any user's code: a process that
it forks has all that a new process of Python has, and has only been spared the imports.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType

import typer

from perdure import cli
from perdure._model.errors import PerdureError
from perdure._settings import settings
from perdure._settings.fields import Settings
from perdure._worker.fork_server import IDLE_SECONDS, MOST_BYTES, STALE, UNSAFE
from perdure.cli import flow_run_resume, reused_process
from perdure.cli.output import say

_USED = (
    "perdure.cli.flow_run",
    "perdure._execution.entrypoints",
    "perdure._runners.threads",
    "perdure._serializers.json_encode",
    "perdure._serializers.json_decode",
    "perdure._engine.identity.hashing",
    "perdure._engine.recovery.resumption",
    "perdure._rooms.limits.store",
    "perdure._rooms.transactions.store",
    "perdure.artifacts",
    "perdure.automations",
    "perdure.deployments",
    "perdure.runtime",
    "perdure.schedules",
    "pydantic._internal._serializers",
    "sqlite3",
    "uuid",
)
_OF_SQLITE = ("perdure._store.embedded", "perdure._store.sql.database_from_settings")
_OF_POSTGRESQL = (
    *_OF_SQLITE,
    "perdure._store.sql.postgresql",
    "perdure._store.sql.postgresql_bulk",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "ssl",
)
_OF_SERVER = ("perdure._store.remote.orchestrator", "httpcore", "h11", "certifi", "encodings.idna", "ssl")
_START = ["flow-run", "start", "--quiet"]
_LOOK_SECONDS = 1.0  # between two looks at whether what was imported has changed


def main() -> None:
    """Import, then fork until no worker asks any more."""
    asks, ends = (socket.socket(fileno=int(each)) for each in sys.argv[1:3])
    for name in (*_USED, *_of_orchestrator(settings.current())):
        with suppress(ImportError):  # a run that needs it says what is missing
            import_module(name)
    cli.prepare("flow-run")
    gc.collect()
    gc.freeze()  # else a collection would copy the pages of all objects
    _Parent(asks, ends).serve()


def _of_orchestrator(chosen: Settings) -> tuple[str, ...]:
    if chosen.api_url is not None:
        return _OF_SERVER
    return _OF_SQLITE if isinstance(chosen.database, Path) else _OF_POSTGRESQL


class _Parent:
    """The processes that were forked, by a descriptor of each that is readable once it has ended."""

    def __init__(self, asks: socket.socket, ends: socket.socket) -> None:
        self._asks, self._ends = asks, ends
        self._children: dict[int, int] = {}
        self._poll = select.poll()
        self._poll.register(asks, select.POLLIN)
        self._poll.register(ends, 0)
        self._imported = _changes()
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self._asked = True  # whether somebody may ask still

    def serve(self) -> None:
        """Return if nobody asks any more, and nothing runs that somebody waits for."""
        while self._asked or self._children:
            found = self._poll.poll(None if self._children else IDLE_SECONDS * 1_000)
            if not found and not self._children:
                return
            for number, _ in found:
                if number == self._ends.fileno():
                    return  # who waited is gone
                if number == self._asks.fileno():
                    self._answer()
                elif not self._report(number):
                    return

    def _report(self, number: int) -> bool:
        pid = self._children.pop(number)
        self._poll.unregister(number)
        os.close(number)
        _, status = os.waitpid(pid, 0)
        try:
            self._ends.send(f"{pid} {os.waitstatus_to_exitcode(status)}".encode())
        except OSError:
            return False
        return True

    def _answer(self) -> None:
        message, streams, _, _ = socket.recv_fds(self._asks, MOST_BYTES, 2)
        if not message:
            self._poll.unregister(self._asks)
            self._asked = False
            return
        try:
            self._fork(message, streams)
        except OSError:
            with suppress(OSError):
                self._asks.send(UNSAFE)
        finally:
            for each in streams:
                os.close(each)

    def _fork(self, message: bytes, streams: list[int]) -> None:
        if len([*Path("/proc/self/task").iterdir()]) > 1:  # what was imported has begun one, which would be missing
            self._asks.send(UNSAFE)
            return
        if self._is_stale():
            self._asks.send(STALE)
            return
        child = os.fork()
        if child == 0:
            self._leave()
            _become(json.loads(message), *streams)
        number = os.pidfd_open(child)
        self._children[number] = child
        self._poll.register(number, select.POLLIN)
        socket.send_fds(self._asks, [str(child).encode()], [number])

    def _is_stale(self) -> bool:
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            return _changes() != self._imported
        return False

    def _leave(self) -> None:
        """In a child: what is the parent's."""
        self._asks.close()
        self._ends.close()
        for number in self._children:
            os.close(number)


def _changes() -> dict[str, int]:
    """When what was imported was changed last: the files, and the folders in which more would be found."""
    files = {getattr(module, "__file__", None) for module in tuple(sys.modules.values())}
    changes = {}
    for file in (*files, *sys.path):
        if file:
            with suppress(OSError):
                changes[file] = os.stat(file).st_mtime_ns  # noqa: PTH116 - hundreds of them
    return changes


def _become(asked: dict[str, object], output: int, line: int | None = None) -> None:
    """Be the process that was asked for, to its end; one that is kept for several runs gets them by a line."""
    code = 1
    try:
        code = _ended(asked, output, line)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined] # waits for threads, as the interpreter does
        with suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        if code < 0:
            _end_by(-code)
        os._exit(code)  # without taking apart what the parent has: that would copy all of it


def _ended(asked: dict[str, object], output: int, line: int | None) -> int:
    """Run the command; the exit code, or the signal of one that was interrupted, negative."""
    os.setsid()  # Ctrl-C is for the worker, which lets its runs end
    _set_streams(output)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    environment, directory, arguments = asked["environment"], asked["directory"], asked["arguments"]
    assert isinstance(environment, dict)
    assert isinstance(directory, str)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None
    os.chdir(directory)
    if not sys.flags.safe_path:
        sys.path[0] = str(Path.cwd())
    sys.argv = [str(_main.__file__), *arguments]
    sys.modules["__main__"] = _main
    settings.reload()
    cli.set_up()
    try:
        return _command(arguments, line)
    except SystemExit as error:
        return _code_of(error)
    except KeyboardInterrupt:
        traceback.print_exc()
        return -signal.SIGINT
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return 1


def _command(arguments: list[str], line: int | None) -> int:
    """Do what `perdure` does with the arguments: what most runs have is not worth what parses options in general."""
    *start, run = arguments
    if start != _START:
        cli.main()
        return 0
    try:
        if line is not None:
            return reused_process.serve(socket.socket(fileno=line))
        flow_run_resume.start(run, quiet=True, as_json=False)
    except typer.Exit as end:
        return end.exit_code
    except PerdureError as error:
        say(str(error), "Error")
    except typer.BadParameter as error:
        error.show()
        return error.exit_code
    return 1


def _made_main() -> ModuleType:
    """The main module of `python -m perdure`, which does nothing but call the command."""
    spec = find_spec("perdure.__main__")
    assert spec is not None
    made = module_from_spec(spec)
    made.__name__ = "__main__"
    return made


_main = _made_main()


def _set_streams(output: int) -> None:
    """Standard input is empty; output and errors are the worker's pipe, as Python opens them where there is one."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before: TextIOWrapper = getattr(sys, f"__{name}__")
        made = open(number, "w" if number else "r", -1, before.encoding, before.errors, closefd=False)  # noqa: SIM115
        # The worker's output may be a terminal, where all is written line by line.
        made.reconfigure(line_buffering=number == 2 and before.line_buffering, write_through=before.write_through)
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)


def _code_of(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def _end_by(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    main()
