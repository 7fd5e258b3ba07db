"""`perdure server`: the orchestrator that a team shares."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perdure._http.config import DEFAULT_PORT, ServerConfig
from perdure._model.errors import SettingError
from perdure.cli.groups import MOST, AsJson, new_group
from perdure.cli.output import say, write

if TYPE_CHECKING:
    from perdure._server.running import Listening

app = new_group("The server that a team shares, with a page: open the address that `perdure server start` prints.")
_Database = Annotated[str | None, typer.Option(help="A path, or postgresql://…; by default the one of the settings.")]


class LogFormat(StrEnum):
    """How the server's log is written."""

    TEXT = "text"
    JSON = "json"


@app.callback()
def _server() -> None:
    """The server that a team shares, with a page: open the address that `perdure server start` prints."""


@app.command()
def start(
    host: Annotated[
        str, typer.Option(help="The address to listen on; of this machine only, by default.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on.")] = DEFAULT_PORT,
    database: _Database = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that answer.")] = 1,
    allow_host: Annotated[
        list[str], typer.Option(metavar="NAME", help="A name that requests may be sent to; repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    allow_origin: Annotated[
        list[str], typer.Option(metavar="URL", help="The origin of pages that may send requests; repeatable.")
    ] = [],  # noqa: B006
    storage: Annotated[
        list[str],
        typer.Option(metavar="PLACE", help="A directory or URL with results that the server may open; repeatable."),
    ] = [],  # noqa: B006
    trusted_proxy: Annotated[
        list[str], typer.Option(metavar="ADDRESS", help="A proxy whose X-Forwarded-For is trusted; repeatable.")
    ] = [],  # noqa: B006
    insecure: Annotated[bool, typer.Option("--insecure", help="Require no token.")] = False,
    public_metrics: Annotated[bool, typer.Option("--public-metrics", help="Show /api/metrics to all.")] = False,
    tls_cert: Annotated[Path | None, typer.Option(help="A certificate and its chain, as PEM: speak HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key, as PEM.")] = None,
    log_requests: Annotated[
        bool, typer.Option("--log-requests", help="Write an access log of every request, not just failures.")
    ] = False,
    log_format: Annotated[LogFormat, typer.Option(help="How the log is written.")] = LogFormat.TEXT,
    max_body: Annotated[str, typer.Option(metavar="SIZE", help="The maximum size of a request.")] = "64MiB",
    request_rate: Annotated[
        float, typer.Option(min=0.1, max=MOST, help="The maximum number of requests a second of a token.")
    ] = 1_000,
    shutdown_seconds: Annotated[
        int, typer.Option(min=0, max=MOST, help="How long to wait for running requests after SIGTERM.")
    ] = 20,
    serve_values: Annotated[
        bool, typer.Option("--serve-values", help="Serve the bytes of results, by links that expire.")
    ] = False,
    run_flows: Annotated[
        bool, typer.Option("--run-flows", help="Let administrators resume and rerun flows, on this machine.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Serve the API, and the page for browsers, until Ctrl-C or SIGTERM."""
    config = ServerConfig(
        host=host,
        port=port,
        workers=workers,
        allowed_hosts=tuple(name.lower() for name in allow_host),
        allowed_origins=tuple(allow_origin),
        storages=tuple(_place(text) for text in storage),
        trusted_proxies=tuple(trusted_proxy),
        serve_values=serve_values,
        runs_flows=run_flows,
        public_metrics=public_metrics,
        tls_cert=tls_cert,
        tls_key=tls_key,
        log_requests=log_requests,
        log_format=log_format,
        max_body=_size(max_body),
        request_rate=request_rate,
        shutdown_seconds=shutdown_seconds,
    )
    from perdure._server.running import serve

    if insecure:
        say("--insecure: everyone who can connect to this server can do everything.", "Warning", "yellow")

    def announce(listening: "Listening") -> None:
        write(_announcement(listening, as_json) + "\n")
        sys.stdout.flush()  # a program that reads this by a pipe waits for it

    serve(config, database, insecure, announce)


@app.command()
def services(as_json: AsJson = False) -> None:
    """List the background services of servers, and when they last ran."""
    from perdure._server.services import SERVICES, interval_of
    from perdure._settings import settings
    from perdure.cli.find import orchestrator
    from perdure.cli.output import NOTHING, Column, iso, short_time, show, show_json, table

    done = {service.name: service for service in orchestrator().services.all()}
    seconds = {name: interval_of(name, settings.current()) for name in SERVICES}
    if as_json:
        found = [(name, done.get(name)) for name in SERVICES]
        show_json(
            [
                {
                    "name": name,
                    "interval_seconds": seconds[name],
                    "last_run": None if run is None else iso(run.ended),
                    "outcome": None if run is None else run.outcome,
                }
                for name, run in found
            ]
        )
        return
    columns = [
        Column("service", whole=True),
        Column("every"),
        Column("last"),
        Column("came to"),
        Column("what it does"),
    ]
    rows = []
    for name, what in SERVICES.items():
        every = f"{seconds[name]:g} s" if seconds[name] else "off"
        run = done.get(name)
        last = (NOTHING, NOTHING) if run is None else (short_time(run.ended), run.outcome or NOTHING)
        rows.append((name, every, *last, what))
    show(table(columns, rows))


def _place(text: str) -> str:
    from perdure._platform.storage_urls import RULE, parse_places

    try:
        return parse_places(text)[0]
    except ValueError:
        raise SettingError(f"--storage is {text!r}; it must be one of {RULE}.") from None


def _size(text: str) -> int:
    from perdure._platform.ages_and_sizes import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise SettingError(str(error)) from None


def _announcement(listening: "Listening", as_json: bool) -> str:
    if as_json:
        return json.dumps(listening._asdict())
    authentication = "on" if listening.authenticated else "off"
    new = ", which is new" if listening.is_new else ""
    return (
        f"Perdure listens on {listening.address}. Ctrl-C ends it.\n"
        f"Database: {listening.database}{new}. Authentication: {authentication}."
    )
