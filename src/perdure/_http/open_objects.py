"""What a client holds open on the server, such as a pruning: found again by an id, closed when it is left alone."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from perdure._model.errors import NotFound
from perdure._platform.ids import new_id

IDLE_SECONDS = 300.0  # a session that nobody has asked for so long is closed
_MOST = 16


class Session:
    """An open object, and the pages that it is being asked for."""

    def __init__(self, opened: Any, protocol: type) -> None:
        self.opened = opened
        self.protocol = protocol
        self.pages: dict[str, Iterator[Any]] = {}
        self.lock = threading.Lock()
        self.used = time.monotonic()


class Sessions:
    """All that clients hold open."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle = idle_seconds
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def open(self, opened: Any, protocol: type) -> str:
        """The id of a new session; of too many, the one that was used longest ago is closed."""
        id = new_id()
        with self._lock:
            self._open[id] = Session(opened, protocol)
        self.close_idle()
        return id

    @contextmanager
    def using(self, id: str) -> Iterator[Session]:
        """A session, which no other request uses meanwhile.

        Raises:
            NotFound: it was closed, or left alone for too long; or another worker of the server holds it.
        """
        self.close_idle()
        session = self._open.get(id)
        if session is None:
            raise NotFound(f"There is no session {id!r}: it was idle for too long. Open a new one.")
        with session.lock:
            yield session
            session.used = time.monotonic()

    def close(self, id: str) -> None:
        """Close a session, unless it is closed."""
        with self._lock:
            session = self._open.pop(id, None)
        if session is not None:
            with session.lock:
                session.opened.close()

    def close_idle(self, all: bool = False) -> None:
        """Close what was left alone, and what is too many; or all."""
        now = time.monotonic()
        by_use = sorted(self._open.items(), key=lambda each: each[1].used)
        for place, (id, session) in enumerate(by_use):
            if all or now - session.used > self._idle or len(by_use) - place > _MOST:
                self.close(id)
