"""Real servers in this process, on a socket of their own: as quick to start as to reach into."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import uvicorn
from fastapi import FastAPI

from perdure._http.config import ServerConfig
from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._server.app import create_app
from perdure._server.running import uvicorn_config
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing.server import PromptServer


class Serving(NamedTuple):
    """A server that listens."""

    port: int
    app: FastAPI
    tokens: dict[str, str]  # by scope, where it asks for them
    server: uvicorn.Server

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        """Speaks to it, with a token."""
        headers = options.pop("headers", {}) | ({} if token is None else {"Authorization": f"Bearer {token}"})
        return httpx.Client(base_url=self.address, headers=headers, timeout=20, **options)

    def raw(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@contextmanager
def serving(folder: Path, run_by: type[uvicorn.Server] = PromptServer, **chosen: Any) -> Iterator[Serving]:
    """A server with the settings; its database lies in the folder."""
    with serving_on(EmbeddedOrchestrator(folder / "perdure.db"), run_by, **chosen) as served:
        yield served


@contextmanager
def serving_on(
    orchestrator: EmbeddedOrchestrator, run_by: type[uvicorn.Server] = PromptServer, **chosen: Any
) -> Iterator[Serving]:
    """A server with the settings, on an orchestrator that it closes; how users' servers stop is uvicorn's own way."""
    config = ServerConfig(**chosen)
    tokens = {}
    if config.authenticated:
        tokens = {scope.value: orchestrator.tokens.create(scope.value, scope, system_clock())[0] for scope in Scope}
    app = create_app(orchestrator, config)
    listening = socket.create_server(("127.0.0.1", 0))
    server = run_by(uvicorn_config(config, lambda: app))
    thread = threading.Thread(target=partial(server.run, sockets=[listening]))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Serving(listening.getsockname()[1], app, tokens, server)
    finally:
        server.should_exit = True
        if isinstance(server, PromptServer):
            server.stop()
        thread.join(30)
        listening.close()
