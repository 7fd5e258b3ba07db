"""Whatever runs are called, say and hold, no command prints it in a way that controls the terminal."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Perdure

from perdure import flow, get_run_logger, tags, task
from perdure._platform.printable import printable, printable_json
from perdure._session import session
from perdure.artifacts import create_link_artifact, create_markdown_artifact, create_progress_artifact
from perdure.records import RunFilter

E = "x\x1b]0;owned\x07 \x9b31m\u202ereversed\u2066 \x7f\rover\x08"
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f]")

COMMANDS: dict[str, Callable[[dict[str, str]], list[str]]] = {
    "flow-run ls": lambda _: ["flow-run", "ls"],
    "flow-run inspect": lambda ids: ["flow-run", "inspect", ids["flow"]],
    "flow-run watch": lambda ids: ["flow-run", "watch", ids["flow"]],
    "task-run ls": lambda _: ["task-run", "ls"],
    "task-run inspect": lambda ids: ["task-run", "inspect", ids["task"]],
    "logs": lambda ids: ["logs", ids["flow"]],
    "result ls": lambda _: ["result", "ls"],
    "result show": lambda ids: ["result", "show", ids["flow"]],
    "artifact ls": lambda _: ["artifact", "ls"],
    "artifact show": lambda _: ["artifact", "show", "k"],
    "explain": lambda ids: ["task-run", "explain", ids["task"]],
    "an unknown run": lambda _: ["flow-run", "inspect", f"no{E}"],
}


@pytest.fixture
def ids() -> dict[str, str]:
    """The ids of a failed flow run and of a task run in it, all of whose texts would control a terminal."""

    @task(task_run_name=E, persist_result=True, tags=[E], cache_key_fn=lambda: "k")
    def t(text: str) -> list[str]:
        create_markdown_artifact(E, key="k", description=E)
        create_link_artifact("https://example.com", key="l", description=E)
        create_progress_artifact(10, key="p", description=E)
        get_run_logger().warning(E)
        return [text]

    @flow(name=E.replace("\x1b", ""), flow_run_name=E, persist_result=True)
    def f(text: str) -> None:
        t(text)
        raise ValueError(E)

    with tags(E):
        state = f(E, return_state=True)
    assert state.flow_run_id is not None
    (run,) = session.current().orchestrator.task_runs(RunFilter())
    return {"flow": state.flow_run_id, "task": run.id}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_no_command_prints_what_steers_the_terminal(
    command: str, option: list[str], ids: dict[str, str], perdure: Perdure
) -> None:
    result = perdure(*COMMANDS[command](ids), *option)

    assert result.output
    assert not _STEERING.search(result.output), repr(result.output)


def test_escaped_json_says_the_same() -> None:
    text = json.dumps({E: [E, "ä 😀 \ud800"]}, ensure_ascii=False)

    assert json.loads(printable_json(text)) == json.loads(text)
    assert not _STEERING.search(printable_json(text))


@pytest.mark.parametrize("text", ["plain", "ä 😀 漢字", "two\n\tlines"])
def test_text_that_steers_nothing_is_shown_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_commands_print_through_one_place() -> None:
    folder = Path(session.__file__).parent / "cli"
    prints = re.compile(r"sys\.std(?:out|err)\.write(?:lines)?\(|typer\.(?:secho|echo)\(|(?<![.\w])(?<!def )print\(")
    # These write JSON that is made safe, bytes and values for programs, and a line of their own over itself.
    allowed = {"output.py": 9, "flow_run_watch.py": 1, "logs.py": 1, "result_get.py": 2, "result_verify.py": 3}

    found = {file.name: len(prints.findall(file.read_text("utf-8"))) for file in folder.glob("*.py")}

    assert {name: count for name, count in found.items() if count > allowed.get(name, 0)} == {}
