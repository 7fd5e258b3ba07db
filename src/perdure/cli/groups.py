"""Options and helpers that the groups of commands share."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

from perdure._model.errors import PerdureError
from perdure._model.state_types import StateType
from perdure._platform.ages_and_sizes import time_ago
from perdure._platform.clock import Micros, system_clock
from perdure._platform.suggest import nearest

# Plain help: it is read at a glance, and importing rich would double its time.
SETTINGS: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def _state(text: str) -> StateType:
    """A state by its name, in any case."""
    known = [state.lower() for state in StateType]
    if text.lower() in known:
        return StateType(text.upper())
    raise typer.BadParameter(f"{text!r} is no state.{nearest(text, known)} There are {', '.join(known)}.")


def _states(incomplete: str) -> list[str]:
    names = [str(state) if incomplete.isupper() else state.lower() for state in StateType]
    return [name for name in names if name.startswith(incomplete)]


MOST = 2**31 - 1  # what every database can count, and who asks for all may write

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Limit = Annotated[
    int, typer.Option("--limit", "-n", metavar="N", min=1, max=MOST, help="The maximum number, the newest first.")
]
States = Annotated[
    list[StateType],
    typer.Option(
        "--state", metavar="STATE", parser=_state, autocompletion=_states, help="Only those in this state; repeatable."
    ),
]
Tags = Annotated[
    list[str], typer.Option("--tag", metavar="TAG", help="Only those with this tag; repeatable: with all of them.")
]

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="AGE", help="Only those that were created no longer ago, such as 7d or 10m."),
]


def time_since(age: str | None) -> Micros | None:
    """The time that an option `--since` stands for.

    Raises:
        PerdureError: it is no age.
    """
    try:
        return None if age is None else time_ago(age, system_clock())
    except ValueError as error:
        raise PerdureError(f"--since: {error}") from None


def json_object(document: str) -> dict[str, Any]:
    """What an option `--params` gives.

    Raises:
        typer.BadParameter: it is no JSON object.
    """
    try:
        parameters = json.loads(document)
    except ValueError as error:
        raise typer.BadParameter(f"It is not JSON: {error}.", param_hint="--params") from None
    if not isinstance(parameters, dict):
        raise typer.BadParameter("It must be a JSON object, such as '{\"x\": 1}'.", param_hint="--params")
    return parameters


def one_of(*words: str) -> Callable[[str], str]:
    """What reads an option that takes one of some words."""

    def read(text: str) -> str:
        if text not in words:
            raise typer.BadParameter(f"{text!r} is none of {', '.join(words)}.{nearest(text, words)}")
        return text

    return read


def new_group(help: str | None = None) -> typer.Typer:
    """An application for the commands of one module."""
    return typer.Typer(help=help, add_completion=False, **SETTINGS)
