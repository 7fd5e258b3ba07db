"""The open orchestrators of a process: each starts afresh in a forked child, and is closed at the process's end."""

import atexit
import os
import sys
from typing import Protocol
from weakref import WeakSet

from perdure._model.errors import OrchestratorError


class Open(Protocol):
    """An orchestrator, as far as a process's beginning and end concern it."""

    def begin_in_fork(self) -> None:
        """Leave the parent's connections, locks and records to the parent."""

    def close(self) -> None:
        """Flush and close everything."""


_open: "WeakSet[Open]" = WeakSet()


def keep(orchestrator: Open) -> None:
    """Close an orchestrator at the end of the process, if it is still there; in a forked one, have it begin anew."""
    _open.add(orchestrator)


def _begin_all_in_fork() -> None:
    for orchestrator in _open:
        orchestrator.begin_in_fork()


def _close_all() -> None:
    for orchestrator in list(_open):
        try:
            orchestrator.close()
        except OrchestratorError as error:
            sys.stderr.write(f"perdure: not everything that was reported could be kept. {error}\n")


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_all_in_fork)
