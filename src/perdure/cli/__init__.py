"""The command `perdure`. Each group of commands is imported when it is used, so that `--help` is quick."""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from perdure.cli.groups import SETTINGS
from perdure.core.errors import PerdureError
from perdure.core.version import VERSION

# What `--help` says of each command; the module of the same name has the command itself as `app`.
_COMMANDS = {
    "run": "Run a flow of a file or a module.",
    "flow-run": "List flow runs, look into one, read its log.",
    "task-run": "List task runs, look into one.",
    "result": "List results, look into one, get its value.",
    "block": "List, look into and delete saved blocks.",
    "config": "View and change settings.",
    "profile": "Keep several sets of settings.",
    "version": "Show versions.",
}


class _Commands(TyperGroup):
    """Knows the commands by name, and imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in _COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name is not None:
            command = get_command(import_module(f"perdure.cli.{name.replace('-', '_')}").app)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PerdureError as error:
            _complain(error)
            raise typer.Exit(1) from None


def _complain(error: PerdureError) -> None:
    typer.secho("Error: ", err=True, nl=False, fg="red")
    typer.echo(str(error), err=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


app = typer.Typer(name="perdure", cls=_Commands, **SETTINGS)


@app.callback()
def perdure(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Python workflows whose results last."""


def main() -> None:
    """Run the command that the process's arguments say, and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ✓ still shows all the rest
    app()
