"""Options and helpers that the groups of commands share."""

from typing import Annotated, Any

import typer

from perdure._model.state_types import StateType

# Plain help: it is read at a glance, and importing rich would double its time.
SETTINGS: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Limit = Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="The maximum number, the newest first.")]
States = Annotated[
    list[StateType],
    typer.Option("--state", metavar="STATE", case_sensitive=False, help="Only those in this state; repeatable."),
]
Tags = Annotated[
    list[str], typer.Option("--tag", metavar="TAG", help="Only those with this tag; repeatable: with all of them.")
]


def new_group(help: str | None = None) -> typer.Typer:
    """An application for the commands of one module."""
    return typer.Typer(help=help, add_completion=False, **SETTINGS)
