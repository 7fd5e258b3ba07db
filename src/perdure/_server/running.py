"""Running the server in this process, or in workers that share its socket."""

import asyncio
import errno
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from perdure._http.config import ServerConfig
from perdure._model.errors import SettingError, TokenError
from perdure._platform import providers
from perdure._platform.clock import system_clock
from perdure._platform.named import NamedTuple
from perdure._results.types import PersistedResult
from perdure._server import access_log
from perdure._server.app import create_app
from perdure._server.http_protocol import ImpatientProtocol, make_room
from perdure._server.metrics import SHARED
from perdure._settings import settings
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.database import Database
from perdure._store.sql.database_from_settings import database_at
from perdure._store.sql.sqlite import SQLite

_M_ARENA_MAX = -8  # as malloc.h names it
_START_SECONDS = 30  # that a worker may take until it answers: a loaded machine takes its time to import all
_IDLE_SECONDS = 75  # of a connection between requests
_SWITCH_SECONDS = 0.0005  # after which a thread that computes lets others: an answer needs Python's lock many times

_NO_NAME = (socket.EAI_NONAME, socket.EAI_AGAIN)  # of a host: no address, or no name server that knows one


class Listening(NamedTuple):
    """What a server says of itself when it listens."""

    address: str
    database: str
    authenticated: bool
    is_new: bool  # whether the database is a file that was made now


def serve(config: ServerConfig, database: str | None, insecure: bool, announce: Callable[[Listening], None]) -> None:
    """Serve until a signal ends the process, and `announce` the address once it listens.

    `database` is a path or a URL, None for that of the settings. Port 0 takes a free one. SIGTERM and SIGINT let
    requests end first; SIGHUP has the certificate read anew, and workers replaced one after another. Tokens are asked
    for where the database has one, and wherever other machines reach the server; unless it is to be `insecure`.

    Raises:
        TokenError: other machines would reach the server, and there is no token.
        SettingError: the certificate or its key cannot be used, or the address cannot be listened on.
    """
    access_log.configure(config.log_format)
    _check_certificate(config)
    is_new = not is_there(database)
    orchestrator = opened(database)
    providers.set_orchestrator(lambda: orchestrator)  # blocks and storages are those of the database that is served
    config = replace(config, authenticated=not insecure and _asks_for_tokens(config, orchestrator))
    config = replace(config, traced=settings.current().opentelemetry, database=database)
    room = make_room(config.max_connections)
    config = replace(config, max_connections=room.connections, backlog=room.backlog)
    place = f"{orchestrator.place}{' (read-only)' if orchestrator.is_read_only else ''}"
    listening = bound(config)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else an answer's body waits 40 ms for its head
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    said = Listening(f"http{'s' if config.is_encrypted else ''}://{shown}:{port}", place, config.authenticated, is_new)
    if config.workers == 1:
        announce(said)
        _serve_alone(uvicorn_config(config, partial(_lasting_app, orchestrator, config)), listening)
    else:
        orchestrator.close()  # workers open it themselves
        _serve_in_workers(config, database, listening, lambda: announce(said))


def bound(config: ServerConfig) -> socket.socket:
    """A socket that listens on the server's address.

    Raises:
        SettingError: it is in use, or cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    try:
        return socket.create_server((config.host, config.port), family=family, backlog=config.backlog)
    except OSError as error:
        raise SettingError(_unbindable(config, error)) from None


def _unbindable(config: ServerConfig, error: OSError) -> str:
    host, port = config.host, config.port
    if error.errno == errno.EADDRINUSE:
        wildcard = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        address = (
            f"http{'s' if config.is_encrypted else ''}://{f'[{wildcard}]' if ':' in wildcard else wildcard}:{port}"
        )
        return (
            f"Port {port} of {host} is in use. "
            f"Choose another with --port, or open {address} if that is a server of yours."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"This user may not listen on port {port} of {host}. Choose one from 1024 on with --port."
    if error.errno == errno.EADDRNOTAVAIL or error.errno in _NO_NAME:  # of getaddrinfo
        return (
            f"{host} is no address of this machine. Give one with --host: 127.0.0.1 serves this machine only, "
            "0.0.0.0 all its addresses."
        )
    reason = str(error.strerror).partition(" (while ")[0]
    return f"The server cannot listen on port {port} of {host}: {reason}. Choose others with --host and --port."


def _asks_for_tokens(config: ServerConfig, orchestrator: EmbeddedOrchestrator) -> bool:
    tokens = orchestrator.tokens.all()
    if not config.is_local and not any(token.is_live(system_clock()) for token in tokens):
        raise TokenError(
            f"Other machines would reach this server at {config.host}, and its database has no valid token. "
            "Create one first: `perdure token create --name me --scope admin`. Or give --insecure, to let everyone "
            "who can connect do everything."
        )
    return bool(tokens)


def is_there(database: str | None) -> bool:
    """Whether a database need not be made: it is a file that there is, or a server's."""
    found = _database(database)
    return not isinstance(found, SQLite) or found.path.exists()


def _database(named: str | None) -> Database:
    chosen = settings.current()
    return database_at(chosen.database if named is None else named, chosen)


def opened(database: str | None) -> EmbeddedOrchestrator:
    """The orchestrator on a database."""
    orchestrator = EmbeddedOrchestrator(_database(database))
    orchestrator.flush()
    return orchestrator


def uvicorn_config(config: ServerConfig, make: Callable[[], FastAPI]) -> uvicorn.Config:
    """How uvicorn is to run the application that `make` makes."""
    return uvicorn.Config(
        make,
        factory=True,
        http=ImpatientProtocol,
        ws="none",
        interface="asgi3",
        workers=config.workers,
        log_config=None,
        access_log=False,
        proxy_headers=False,  # an address that anyone can claim is none
        server_header=False,
        limit_concurrency=config.max_connections,
        h11_max_incomplete_event_size=config.max_headers,
        backlog=config.backlog,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_worker_healthcheck=_START_SECONDS,
        timeout_graceful_shutdown=config.shutdown_seconds,
        ssl_certfile=config.tls_cert,
        ssl_keyfile=config.tls_key,
    )


def _serve_alone(chosen: uvicorn.Config, listening: socket.socket) -> None:
    if hasattr(signal, "SIGHUP"):  # not on Windows
        signal.signal(signal.SIGHUP, lambda *_: _read_certificate(chosen))
    uvicorn.Server(chosen).run(sockets=[listening])


def _serve_in_workers(
    config: ServerConfig, database: str | None, listening: socket.socket, announce: Callable[[], None]
) -> None:
    with TemporaryDirectory(prefix="perdure-metrics-") as shared:
        os.environ[SHARED] = shared
        chosen = uvicorn_config(config, partial(_worker_app, config, database, os.getpid()))
        announce()
        Multiprocess(chosen, [listening]).run()


def _lasting_app(orchestrator: EmbeddedOrchestrator, config: ServerConfig) -> FastAPI:
    """The application in a process that does nothing else.

    What is there by now stays to the end. The collector would look through it, for 0.1 seconds, each time that a few
    batches of records had come, and no request could continue meanwhile.
    """
    app = create_app(orchestrator, config)
    PersistedResult.find_storage = staticmethod(app.state.storages.get)
    sys.setswitchinterval(_SWITCH_SECONDS)
    _allocate_together()
    gc.collect()
    gc.freeze()
    return app


def _allocate_together() -> None:
    """Have threads share two places that memory is taken from: of one for each, most stays taken and unused."""
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


def _worker_app(config: ServerConfig, database: str | None, parent: int) -> FastAPI:
    access_log.configure(config.log_format)
    orchestrator = opened(database)
    providers.set_orchestrator(lambda: orchestrator)
    app = _lasting_app(orchestrator, config)
    app.state.parent_watch = asyncio.get_running_loop().create_task(_end_with(parent))
    return app


async def _end_with(parent: int) -> None:
    """Leave as by SIGTERM when the parent was killed: nobody else would end this worker."""
    while os.getppid() == parent:
        await asyncio.sleep(1)
    signal.raise_signal(signal.SIGTERM)


def _check_certificate(config: ServerConfig) -> None:
    if (config.tls_cert is None) != (config.tls_key is None):
        raise SettingError("A certificate and its key go together: give --tls-cert and --tls-key.")
    if config.tls_cert is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(config.tls_cert, config.tls_key)
    except OSError as error:
        raise SettingError(
            f"The certificate {config.tls_cert} with the key {config.tls_key} cannot be used: {error}."
        ) from None


def _read_certificate(chosen: uvicorn.Config) -> None:
    """New connections use the files' certificate; the old one stays if the new one cannot be used."""
    if chosen.is_ssl and chosen.loaded and chosen.ssl_certfile is not None:
        assert chosen.ssl is not None
        try:
            chosen.ssl.load_cert_chain(chosen.ssl_certfile, chosen.ssl_keyfile)
        except OSError as error:
            sys.stderr.write(f"perdure: the new certificate cannot be used; the old one stays in use. {error}\n")
