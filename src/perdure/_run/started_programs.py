"""Programs that flows start: their lines go to the run's log, and they end with the run that started them.

A program is the leader of a process group, so that whatever it has started can be ended with it. Three threads attend
to it: one for each stream, and one that waits for the end. Who waits for it can be interrupted, as a run is that is
cancelled or whose time is up, and then ends it.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from perdure._model.errors import CommandFailed, IntegrationError
from perdure._platform.named import NamedTuple
from perdure._platform.threads import in_thread
from perdure._run.interruptible_wait import Bell

__all__ = ["Command", "Process"]

_GRACE = 5.0  # seconds from SIGTERM to SIGKILL
_STEP = 0.2  # seconds between two looks of who waits
_QUIET = 0.5  # seconds without a line after which a stream that a program in the background holds open is left to it
_TAIL = 20  # lines of standard error in the error's message
_GROUPS = hasattr(os, "killpg")  # not on Windows

Log = Callable[[int, str], None]


class Command(NamedTuple):
    """What is started, and how its lines are logged."""

    arguments: Sequence[str]
    env: Mapping[str, str] = {}  # besides the environment of this process
    directory: Path | None = None
    level: int | None = logging.INFO  # of its lines in the log; None logs none
    shown: str = ""  # what the error calls it


class Process:
    """A program that runs, or ran. As a context manager it is ended when the block is left."""

    def __init__(self, command: Command, log: Log, after: Callable[[], None] = lambda: None) -> None:
        """Start it; `after` is called once when it has ended.

        Raises:
            IntegrationError: it cannot be started.
        """
        self._command, self._log, self._after = command, log, after
        self._output: list[str] = []
        self._errors: list[str] = []
        self._heard = time.monotonic()
        self._ended, self._bell = threading.Event(), Bell()
        self._process = self._start()
        self._readers = [
            self._thread(self._read, self._process.stdout, self._output),
            self._thread(self._read, self._process.stderr, self._errors),
        ]
        self._thread(self._attend)

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self._process.pid

    @property
    def return_code(self) -> int | None:
        """The exit code, or a signal's number below zero; None while it runs."""
        return self._process.returncode if self._ended.is_set() else None

    @property
    def output(self) -> list[str]:
        """The lines of its standard output so far."""
        return list(self._output)

    def wait(self) -> None:
        """Return when it has ended; if that is interrupted, it is ended.

        Raises:
            CommandFailed: by another exit code than 0; has the last lines of its standard error.
        """
        try:
            while not self._ended.is_set():
                self._bell.wait(_STEP)
        except BaseException:
            self.end()
            raise
        self._check()

    async def await_end(self) -> None:
        """`wait`, awaited."""
        try:
            await in_thread(self._ended.wait)
        except BaseException:
            self.end()
            raise
        self._check()

    def end(self) -> None:
        """Have the process and all that it has started end: by SIGTERM, and five seconds later by SIGKILL.

        Does not wait for that. It is done by a thread of its own, which no cancelling interrupts.
        """
        if not self._ended.is_set():
            threading.Thread(target=self._end, name=f"perdure-end-{self.pid}").start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def _start(self) -> "subprocess.Popen[str]":
        try:
            return subprocess.Popen(
                self._command.arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=self._command.directory,
                env={**os.environ, **self._command.env},
                start_new_session=_GROUPS,
            )
        except OSError as error:
            self._after()
            raise IntegrationError(
                f"{self._command.arguments[0]!r} cannot be started: {error.strerror}: {error.filename}."
                " Install it, or correct the directory."
            ) from None

    def _thread(self, function: Callable[..., None], *args: object) -> threading.Thread:
        import contextvars

        context = contextvars.copy_context()  # whose run the lines are of
        name = f"perdure-process-{self.pid}"
        thread = threading.Thread(target=context.run, args=(function, *args), name=name, daemon=True)
        thread.start()
        return thread

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                text = line.rstrip("\n")
                lines.append(text)
                if self._command.level is not None and text:
                    self._log(self._command.level, text)
                self._heard = time.monotonic()

    def _attend(self) -> None:
        self._process.wait()
        self._heard = time.monotonic()
        for reader in self._readers:
            while reader.is_alive() and time.monotonic() - self._heard < _QUIET:
                reader.join(_QUIET / 10)
        self._after()
        self._ended.set()
        self._bell.ring()

    def _end(self) -> None:
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while time.monotonic() < deadline and self._is_there():
            time.sleep(_STEP / 10)
        if self._is_there():
            self._signal(signal.SIGKILL if _GROUPS else signal.SIGTERM)

    def _is_there(self) -> bool:
        if not _GROUPS:
            return self._process.poll() is None
        try:
            os.killpg(self.pid, 0)
        except OSError:
            return False
        return True

    def _signal(self, number: int) -> None:
        with suppress(OSError):
            if _GROUPS:
                os.killpg(self.pid, number)
            else:
                self._process.send_signal(number)

    def _check(self) -> None:
        code = self._process.returncode
        if code == 0:
            return
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        tail = self._errors[-_TAIL:]
        shown = self._command.shown or self._command.arguments[0]
        error = CommandFailed("\n".join([f"{shown} ended with {how}{':' if tail else '.'}", *tail]))
        error.exit_code = code
        raise error
