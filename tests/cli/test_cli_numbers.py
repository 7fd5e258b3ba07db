"""Numbers on the command line: each has a largest one, so that none comes to the database that it cannot count."""

from collections.abc import Iterator
from typing import Any

import pytest
from command_line import Perdure

from perdure.cli import _COMMANDS, prepare


def numbers() -> Iterator[tuple[str, Any]]:
    """The options and arguments of all commands that are numbers from some least one on."""

    def below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name, each in getattr(command, "commands", {}).items():
            yield from below(each, f"{path} {name}")
        yield from ((f"{path} {each.name}", each) for each in command.params if getattr(each, "min", None) is not None)

    for name in _COMMANDS:
        yield from below(prepare(name), name)


def test_each_number_that_has_a_least_one_has_a_largest_one() -> None:
    every = dict(numbers())
    assert "flow-run ls limit" in every
    assert [name for name, each in every.items() if each.max is None] == []


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
