"""The command `perdure`. Each group of commands is imported when it is used, so that `--help` is quick."""

import sys
import warnings
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from perdure._model.errors import PerdureError
from perdure._platform.version import VERSION
from perdure.cli.groups import SETTINGS
from perdure.cli.output import say, write

__all__ = ["main"]

# What `--help` says of each command; the module of the same name has the command itself as `app`.
_COMMANDS = {
    "init": "Make a project to start from, or perdure.toml for flows that are there.",
    "run": "Run a flow of a file or a module.",
    "flow-run": "List, inspect, cancel, continue and resume flow runs, and read their logs.",
    "task-run": "List, inspect and explain task runs.",
    "logs": "Print and follow the log lines of runs.",
    "artifact": "List, show, export and delete artifacts of runs.",
    "variable": "List, set and delete variables.",
    "deploy": "Make the deployments that perdure.toml declares.",
    "deployment": "List deployments, run one, pause, roll back or delete one.",
    "automation": "Start, pause, cancel or notify when an event comes, or does not come in time.",
    "backfill": "Run a deployment for a range of partitions.",
    "worker": "Start a worker, which starts runs of deployments; list workers.",
    "service": "Have systemd keep a serving program or a worker running.",
    "work-pool": "Say where runs of deployments wait, and how many run at once.",
    "result": "List, show, load, compare, verify, copy and remove results.",
    "cache": "List, show and clear cached results by key.",
    "block": "List, inspect and delete saved blocks.",
    "limit": "Create and change concurrency limits and rate limits.",
    "webhook": "Deliver events to URLs, by a server.",
    "notification": "Notify people of events through Apprise, by a server.",
    "event": "List events of runs.",
    "config": "View and change settings.",
    "profile": "Manage named sets of settings.",
    "database": "Upgrade, check, back up, copy and prune the database.",
    "server": "Start the server that a team shares.",
    "token": "Create, list and revoke tokens for the server.",
    "migrate": "Rewrite programs of Prefect, Airflow, Dagster, DBOS and others.",
    "doctor": "Check whether flows can run here, and say what to do.",
    "version": "Show versions.",
}


# Commands that change nothing: a person waits for them, and not for a server that is away.
_READS = frozenset(
    [
        "deliveries",
        "diff",
        "explain",
        "get",
        "inspect",
        "log",
        "logs",
        "ls",
        "services",
        "show",
        "verify",
    ]
)
_FOLLOWS = frozenset({"--follow", "-f"})


@cache
def prepare(name: str) -> Any:
    """A command, imported and ready to be called, of the name in `_COMMANDS`."""
    return get_command(import_module(f"perdure.cli.{name.replace('-', '_')}").app)


class _Commands(TyperGroup):
    """The commands by name; imports the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=summary) for name, summary in _COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name is not None:
            reads = (name if name == "logs" else next(iter(rest), None)) in _READS
            if reads and not _FOLLOWS.intersection(rest):
                from perdure._session.session import be_impatient  # no other command needs it so early

                be_impatient(only_reads=True)
                ctx.call_on_close(partial(be_impatient, only_reads=False))
            command = prepare(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> object:
        try:
            return super().invoke(ctx)
        except PerdureError as error:
            say(str(error), "Error")
            raise typer.Exit(1) from None
        except Exception as error:
            _leave_out_far_options(error)
            raise


def _leave_out_far_options(error: Exception) -> None:
    """Of an unknown option, keep the suggestions that are near without their dashes, too: no --json for --since."""
    name, known = (getattr(error, each, None) for each in ("option_name", "possibilities"))
    if isinstance(name, str) and known:
        import difflib

        words = {each.lstrip("-"): each for each in known}
        near = difflib.get_close_matches(name.lstrip("-"), words)
        error.possibilities = [words[each] for each in near]  # type: ignore[attr-defined] # typer's NoSuchOption


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Perdure's own warnings concern the user's input; those of programs show where they come from."""
    if filename.startswith(str(Path(__file__).parents[1])):
        say(str(message), "Warning", "yellow")
    else:
        _usual_show_warning(message, category, filename, lineno, file, line)


_usual_show_warning = warnings.showwarning


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"{VERSION}\n")
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
    """Run the command in the process's arguments, and end the process with its exit code."""
    set_up()
    app()


def set_up() -> None:
    """Have this process say things as the command does."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ✓ still shows all the rest
    warnings.showwarning = _show_warning
