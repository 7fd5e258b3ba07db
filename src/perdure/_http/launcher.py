"""Resuming and rerunning flow runs, by processes on the server's machine.

A flow's program is started as the command line would start it: where a run was begun is kept with it, and nothing
that a request says names a program. Since whoever may write records may also say where a run was begun, this is off
unless the server was started with `--run-flows`, and for administrators alone.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

from perdure._model.errors import PerdureError

_MOST = 16  # processes at a time
_WATCHED_SECONDS = 10.0  # in which a program that cannot be started says so: on a busy machine, Python alone takes 3
_SHOWN = 2_000  # characters of what it said


class NotStarted(PerdureError):
    """A process was not started, or ended at once; `command` does the same by hand."""

    def __init__(self, message: str, command: Sequence[str]) -> None:
        super().__init__(message)
        self.command = shlex.join(command)


class Starter:
    """Starts `perdure` for one server. The processes continue when the server ends."""

    def __init__(self, allowed: bool, database: str | None) -> None:
        self._allowed = allowed
        self._database = database
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()

    def start(self, *arguments: str, has_begun: Callable[[], bool], document: str | None = None) -> None:
        """Start `perdure ARGUMENTS` and return when it `has_begun`, or after some seconds.

        A `document` of parameters is given to it as `--params`, by its standard input: what is on a command line, all
        users of a machine can read.

        Raises:
            NotStarted: it may not be, too many are at work, or it ended before it had begun.
        """
        command = ("perdure", *arguments, *(() if document is None else ("--params", document)))
        if not self._allowed:
            raise NotStarted(
                "This server starts no programs. Run the command where the flow's code is,"
                " or start the server with --run-flows.",
                command,
            )
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
            if document is not None:
                given.write(document.encode())
                given.seek(0)
                arguments = (*arguments, "--params", "-")
            process = self._run(arguments, given, said, command)
            deadline = time.monotonic() + _WATCHED_SECONDS
            while time.monotonic() < deadline and not has_begun():
                if process.poll() not in (None, 0) and not has_begun():
                    raise NotStarted(f"It ended before it began.\n{_end_of(said)}", command)
                time.sleep(0.05)

    def _run(
        self, arguments: Sequence[str], given: IO[bytes], said: IO[bytes], command: Sequence[str]
    ) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if name != "PERDURE_API_URL"}
        if self._database is not None:
            environment["PERDURE_DATABASE"] = self._database
        with self._lock:
            if len(self._running) >= _MOST:
                raise NotStarted(f"{_MOST} programs that this server started are at work already.", command)
            process = subprocess.Popen(
                [sys.executable, "-m", "perdure", *arguments],
                env=environment,
                stdin=given,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the server
            )
            self._running.add(process)
        threading.Thread(target=self._wait_for, args=(process,), name="perdure-started", daemon=True).start()
        return process

    def _wait_for(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        with self._lock:
            self._running.discard(process)


def _end_of(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace").strip()[-_SHOWN:]
