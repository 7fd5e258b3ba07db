"""`perdure server`: the orchestrator that a team shares."""

import json
from typing import Annotated

import typer

from perdure.cli.groups import AsJson, new_group
from perdure.server.config import DEFAULT_PORT, ServerConfig

app = new_group("The server that a team shares.")


@app.callback()
def _server() -> None:
    """The server that a team shares."""


@app.command()
def start(
    host: Annotated[
        str, typer.Option(help="The address to listen on; of this machine only, by default.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on.")] = DEFAULT_PORT,
    database: Annotated[
        str | None, typer.Option(help="A path, or postgresql://…; by default the one of the settings.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM."""
    from perdure.server.running import serve

    serve(ServerConfig(host=host, port=port), database, lambda address: typer.echo(_told(address, as_json)))


def _told(address: str, as_json: bool) -> str:
    return json.dumps({"address": address}) if as_json else f"Perdure listens on {address}. Ctrl-C ends it."
