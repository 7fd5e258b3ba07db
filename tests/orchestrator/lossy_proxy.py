"""A server between PostgreSQL and its clients that loses connections just as a transaction is committed."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

_COMMIT = b"COMMIT\0"


class LossyProxy:
    """Passes on all bytes, until `lose` is set: then it loses the next connection that commits.

    "answer": the server gets the COMMIT, and the client no answer; "request": the server does not get it, and does not
    know that its client is gone.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = parse_qs(parts.query)["host"][0] + "/.s.PGSQL.5432"
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://postgres@127.0.0.1:{self._listening.getsockname()[1]}{parts.path}"
        self.lose: str | None = None
        self.lost = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End all connections."""
        _shut(self._listening)
        for each in (self._listening, *self._open):
            _shut(each)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._open += [client, server]
            answers = threading.Event()
            answers.set()
            threading.Thread(target=self._requests, args=(client, server, answers), daemon=True).start()
            threading.Thread(target=_pass_on, args=(server, client, answers.is_set), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, answers: threading.Event) -> None:
        while data := _received(client):
            if self.lose is not None and re.search(_COMMIT, data):
                self.lost += 1
                how, self.lose = self.lose, None
                if how == "answer":
                    answers.clear()
                    _send(server, data)
                    threading.Event().wait(0.2)  # the server commits
                client.shutdown(socket.SHUT_RDWR)
                return
            _send(server, data)
        _shut(server)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65_536)
    except OSError:
        return b""


def _send(target: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        target.sendall(data)


def _pass_on(source: socket.socket, target: socket.socket, is_wanted: Callable[[], bool]) -> None:
    while data := _received(source):
        if not is_wanted():
            return
        try:
            target.sendall(data)
        except OSError:
            return
    _shut(target)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
