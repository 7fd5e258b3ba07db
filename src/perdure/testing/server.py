"""A server for tests of programs that speak to one."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn

from perdure._http.config import ServerConfig
from perdure._server.app import create_app
from perdure._server.running import opened

__all__ = ["serving"]


class PromptServer(uvicorn.Server):
    """uvicorn's server in a thread, which ends as soon as its connections have: uvicorn's looks ten times a second."""

    async def main_loop(self) -> None:
        """Serve until `stop` is called."""
        self._loop, self._asked = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), 1)  # second, in which the date of answers is made anew

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, wait for those that are there, and end what the application began."""
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()

    def stop(self) -> None:
        """Have the server end, from any thread."""
        self.should_exit = True
        with suppress(AttributeError, RuntimeError):  # it has not begun, or has ended
            self._loop.call_soon_threadsafe(self._asked.set)


@contextmanager
def serving(database: str | None = None, port: int = 0) -> Iterator[str]:
    """The address of a server in a thread of this process, which ends with the `with` block. It asks for no token.

    `database` is a path or a URL, None for that of the settings: what flows of this process write is there.
    """
    server = PromptServer(uvicorn.Config(create_app(opened(database), ServerConfig()), log_level="error"))
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop()
        thread.join()
        listening.close()
