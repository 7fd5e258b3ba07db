"""The connections that a process reads by: opened as threads need them, up to a number, and used again."""

from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Lock

from perdure._store.sql.database import Connection


class Readers:
    """At most `most` connections; whoever wants one more waits until another is given back.

    As long as there are idle ones, taking and giving back one is an operation on a list: locks would take a tenth of
    the time of a cached call.
    """

    def __init__(self, connect: Callable[[], Connection], most: int) -> None:
        self._connect = connect
        self._idle: list[Connection] = []
        self._unopened = most
        self._freed = Condition(Lock())  # one more is idle, or may be opened
        self._waiting = 0

    def take(self) -> Connection:
        """A connection that nobody else reads by; the one used last, if one is idle.

        Raises:
            OrchestratorError, DatabaseCorrupt: one would have to be opened, and cannot be.
        """
        with suppress(IndexError):  # asking first would let another thread take the last one in between
            return self._idle.pop()
        return self._wait() or self._open()

    def give_back(self, connection: Connection, is_lost: bool) -> None:
        """Let others read by the connection or, if it is lost, by a new one."""
        if is_lost:
            self._may_open()
            return
        self._idle.append(connection)
        if self._waiting:
            with self._freed:
                self._freed.notify()

    def idle(self) -> list[Connection]:
        """The connections that nobody reads by now; they are the caller's."""
        taken, self._idle = self._idle, []
        return taken

    def _wait(self) -> Connection | None:
        """An idle connection; None where the caller is to open one."""
        with self._freed:
            self._waiting += 1  # before the look: who gives one back after it sees that somebody waits
            try:
                while True:
                    if self._idle:
                        try:
                            return self._idle.pop()
                        except IndexError:  # another thread was faster
                            continue
                    if self._unopened:
                        self._unopened -= 1
                        return None
                    self._freed.wait()
            finally:
                self._waiting -= 1

    def _open(self) -> Connection:
        try:
            return self._connect()
        except BaseException:
            self._may_open()
            raise

    def _may_open(self) -> None:
        with self._freed:
            self._unopened += 1
            self._freed.notify()
