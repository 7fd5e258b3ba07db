"""Reconnecting to a database server that was unreachable for a while."""

import time
from collections.abc import Callable
from typing import TypeVar

from perdure._model.errors import OrchestratorUnreachable
from perdure._store.sql.database import Database

T = TypeVar("T")
_PAUSE_SECONDS = 0.05


def reaching(database: Database, attempt: Callable[[], T]) -> T:
    """Make an attempt, with the database's errors raised as Perdure's.

    While a server that was there is away, it is made again: for as long as other processes are waited for. So whatever
    an attempt begins must be undone when it fails, and what it commits must not be begun again.
    """
    deadline = 0.0
    while True:
        try:
            with database.errors():
                return attempt()
        except OrchestratorUnreachable:
            deadline = deadline or time.monotonic() + database.timeout_seconds
            if not database.was_reached or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_SECONDS)
