"""A live progress bar for mapped calls, on a terminal only."""

import sys
import threading
import time
from typing import Any, Protocol

_DELAY = 1.0  # seconds before a bar appears: most mapped calls are over by then


class Bar(Protocol):
    """Counts what has finished, and shows it."""

    def advance(self) -> None:
        """One more has finished."""

    def close(self) -> None:
        """All have finished."""


class _NoBar:
    def advance(self) -> None:
        """Nobody sees it."""

    close = advance


class _Display:
    """The one place on the terminal where all bars are drawn, while there are any."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # calls finish in several threads
        self._progress: Any = None
        self._bars = 0

    def add(self, name: str, total: int | None, done: int) -> object:
        """Draw one bar more; its id."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._progress is None:
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            self._progress = Progress(*columns, console=Console(file=sys.stderr), transient=True)
            self._progress.start()
        self._bars += 1
        return self._progress.add_task(name, total=total, completed=done)

    def update(self, id: object, done: int) -> None:
        """Draw how far it is now."""
        self._progress.update(id, completed=done)

    def remove(self, id: object) -> None:
        """Draw one bar less; the last one leaves no trace."""
        self._progress.remove_task(id)
        self._bars -= 1
        if not self._bars:
            self._progress.stop()
            self._progress = None


_display = _Display()


class _RichBar:
    def __init__(self, name: str, total: int | None) -> None:
        self._name = name
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self._id: object = None

    def advance(self) -> None:
        with _display.lock:
            self._done += 1
            if self._id is not None:
                _display.update(self._id, self._done)
            elif time.monotonic() - self._began > _DELAY:
                self._id = _display.add(self._name, self._total, self._done)

    def close(self) -> None:
        with _display.lock:
            if self._id is not None:
                _display.remove(self._id)
                self._id = None


def bar(name: str, total: int | None) -> Bar:
    """A bar for a mapped call, which shows nothing unless standard error is a terminal."""
    return _RichBar(name, total) if sys.stderr is not None and sys.stderr.isatty() else _NoBar()
