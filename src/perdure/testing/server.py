"""A server for tests of programs that speak to one."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from perdure._http.config import ServerConfig
from perdure._server.app import create_app
from perdure._server.running import opened

__all__ = ["serving"]


@contextmanager
def serving(database: str | None = None, port: int = 0) -> Iterator[str]:
    """The address of a server in a thread of this process, which ends with the `with` block. It asks for no token.

    `database` is a path or a URL, None for that of the settings: what flows of this process write is there.
    """
    server = uvicorn.Server(uvicorn.Config(create_app(opened(database), ServerConfig()), log_level="error"))
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
