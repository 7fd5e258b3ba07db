"""Numbers on the command line: each has a largest one, so that none comes to the database that it cannot count."""

from collections.abc import Iterator
from typing import Any

import pytest
from command_line import Perdure

from perdure.cli import _COMMANDS, prepare


def bounds(option: Any) -> tuple[float | None, float | None]:
    """The least and the largest number that is taken. Until version 0.26, typer keeps them at the option's type."""
    holder = option if hasattr(option, "min") else option.type
    return getattr(holder, "min", None), getattr(holder, "max", None)


def numbers() -> Iterator[tuple[str, tuple[float | None, float | None]]]:
    """The options and arguments of all commands that are numbers from some least one on, with their bounds."""

    def below(command: Any, path: str) -> Iterator[tuple[str, tuple[float | None, float | None]]]:
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, f"{path} {name}")
        yield from ((f"{path} {each.name}", bounds(each)) for each in command.params if bounds(each)[0] is not None)

    for name in _COMMANDS:
        yield from below(prepare(name), name)


def test_each_number_that_has_a_least_one_has_a_largest_one() -> None:
    every = dict(numbers())
    assert "flow-run ls limit" in every
    assert [name for name, (_, largest) in every.items() if largest is None] == []


@pytest.mark.parametrize(
    "command",
    [
        ["flow-run", "ls", "--since"],
        ["flow-run", "failures", "--since"],
        ["task-run", "ls", "--since"],
        ["logs", "--since"],
        ["result", "ls", "--older-than"],
        ["result", "ls", "--newer-than"],
        ["cache", "ls", "--older-than"],
        ["database", "prune", "--older-than"],
    ],
)
def test_an_age_from_before_computers_is_all_there_is_and_a_longer_one_is_refused(
    perdure: Perdure, command: list[str]
) -> None:
    assert perdure(*command, "3000w").exit_code == 0
    refused = perdure(*command, "99999999w")
    assert "longer than 1,000 years" in " ".join(refused.output.split())
    assert refused.exit_code in (1, 2)
