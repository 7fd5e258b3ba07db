"""HTTP/1.1 as uvicorn speaks it, without patience for those who say nothing, or say it letter by letter."""

import sys
from asyncio import TimerHandle, Transport
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from perdure._model.errors import SettingError
from perdure._platform.named import NamedTuple

_OWN_FILES = 96  # descriptors for the database, the log, programs that are started, and Python's own
_FEWEST = 16  # connections
_MOST_BACKLOG = 512  # connections that wait to be accepted
_FIRST_SECONDS = 1.0  # for the first request of a connection that was made as the server was asked to stop
_LAST_SECONDS = 2.0  # in which the rest of a request that is no HTTP is read, and passed over


class Room(NamedTuple):
    """How many connections a process takes, and how many more wait to be accepted."""

    connections: int
    backlog: int


def make_room(connections: int) -> Room:
    """Have the process open as many files as the system lets it; how many connections of those asked for fit.

    All that wait are accepted in one go, before the first of them can be closed: those must fit beside the others.

    Raises:
        SettingError: the system's limit on open files leaves no room.
    """
    if sys.platform == "win32":
        return Room(connections, _MOST_BACKLOG)
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _MOST_BACKLOG + _OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return Room(connections, _MOST_BACKLOG)
    left = soft - _OWN_FILES
    if left < 2 * _FEWEST:
        raise SettingError(
            f"This process may open {soft} files, which leaves no room for connections."
            f" Allow {wanted}, by `ulimit -n {wanted}`."
        )
    backlog = max(_FEWEST, left // 4)
    return Room(min(connections, left - backlog), min(backlog, _MOST_BACKLOG))


class ImpatientProtocol(H11Protocol):
    """Closes a connection that has sent no whole head of a request in time; ends streams when the server stops.

    Where there are as many connections as there may be, a new one takes the place of the one that has sent no whole
    head for longest, so that those who say nothing keep nobody out.
    """

    _deadline: TimerHandle | None = None
    _is_leaving = False
    _is_refused = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        application: Any = self.app
        self._state = application.state
        super().connection_made(transport)
        self._watch()
        self._make_way()

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            super().data_received(data)
        if self._is_refused:
            return
        if self._is_leaving and self.cycle is not None:
            self.cycle.keep_alive = False
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        self._state.streams.end()
        if self.cycle is None and not self._is_leaving and not self.transport.is_closing():
            self._is_leaving = True  # its request may be on its way: to close it would fail that one
            self.loop.call_later(_FIRST_SECONDS, self._leave)
            return
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too large a head, and read on for a moment.

        A connection that is closed while the client still sends is reset, and the client may never see the answer.
        """
        body = msg.encode()
        headers = [("content-type", "text/plain; charset=utf-8"), ("connection", "close")]
        answer = h11.Response(status_code=400, headers=[*headers, ("content-length", str(len(body)))])
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        if not self.transport.can_write_eof():  # TLS ends in both directions at once
            self.transport.close()
            return
        self._is_refused = True
        self._forget()
        self._state.silent[self] = None  # it gives way to others
        self.transport.write_eof()
        self.loop.call_later(_LAST_SECONDS, self.transport.abort)

    def _leave(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._state.silent[self] = None  # it may stay, but gives way to others

    def _make_way(self) -> None:
        silent: dict[ImpatientProtocol, None] = self._state.silent
        while self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            first = next((each for each in silent if each is not self), None)
            if first is None:
                return
            first._forget()
            self.connections.discard(first)
            first.transport.abort()

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._forget()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self._state.config.head_seconds, self.transport.abort)
            self._state.silent[self] = None

    def _forget(self) -> None:
        self._state.silent.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
