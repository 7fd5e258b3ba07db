"""A clock that stands still until it is moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from perdure._platform.clock import Micros, system_clock, to_datetime
from perdure._session import session as sessions
from perdure._session.session import Session
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.database_from_settings import database_of

__all__ = ["ManualClock", "manual_clock"]


class ManualClock:
    """Says the same time until it is moved, ahead or back."""

    def __init__(self, now: Micros | None = None) -> None:
        self._now = system_clock() if now is None else now

    def __call__(self) -> Micros:
        """The time that it says, in microseconds since 1970."""
        return self._now

    @property
    def now(self) -> datetime:
        """The time that it says, in UTC."""
        return to_datetime(self._now)

    def move(self, by: timedelta | float) -> None:
        """Go on by a timedelta or by seconds; negative ones go back."""
        span = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._now += span // timedelta(microseconds=1)


@contextmanager
def manual_clock() -> Iterator[ManualClock]:
    """Within the block, runs take the time of their states, and of what expires, from the clock that it gives.

    Sleeping takes as long as ever, and what is removed by its age goes by the machine's clock.
    """
    clock = ManualClock()
    sessions.close()
    chosen = settings.current()
    sessions.use(Session(chosen, EmbeddedOrchestrator(database_of(chosen)), clock))
    try:
        yield clock
    finally:
        sessions.close()
