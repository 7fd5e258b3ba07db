"""A live progress bar for mapped calls, on a terminal only."""

import sys
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


class _RichBar:
    def __init__(self, name: str, total: int | None) -> None:
        self._name = name
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self._shown: Any = None
        self._task: Any = None

    def advance(self) -> None:
        self._done += 1
        if self._shown is not None:
            self._shown.update(self._task, completed=self._done)
        elif time.monotonic() - self._began > _DELAY:
            self._show()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._shown = Progress(*columns, console=Console(file=sys.stderr), transient=True)
        self._task = self._shown.add_task(self._name, total=self._total, completed=self._done)
        self._shown.start()

    def close(self) -> None:
        if self._shown is not None:
            self._shown.stop()
            self._shown = None


def bar(name: str, total: int | None) -> Bar:
    """A bar for a mapped call, which shows nothing unless standard error is a terminal."""
    return _RichBar(name, total) if sys.stderr is not None and sys.stderr.isatty() else _NoBar()
