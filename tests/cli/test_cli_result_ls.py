"""`perdure result ls`"""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure

from perdure import flow, session, task
from perdure.filesystems import LocalFileSystem
from perdure.records import ResultFilter


def returned(value: Any, **options: Any) -> None:
    """Run a flow named `giver` that returns the value."""

    @flow(flow_run_name="giver", persist_result=True, **options)
    def give() -> Any:
        return value

    give()


def test_ls_lists_persisted_results_by_default(perdure: Perdure):
    returned([1])
    returned(True)
    assert [each["kind"] for each in json.loads(perdure("result", "ls", "--json").stdout)] == ["persisted"]
    assert len(json.loads(perdure("result", "ls", "--kind", "all", "--json").stdout)) == 2
    assert "giver  list" in perdure("result", "ls").stdout


def test_an_empty_list_of_results_says_what_persists_them(perdure: Perdure):
    assert "`persist_result=True`" in perdure("result", "ls").stdout


def of_numbers() -> list[str]:
    """A flow run `count` with a list, whose four tasks return lists of one number."""

    @task(persist_result=True)
    def one(n: int) -> list[int]:
        return [n]

    @flow(flow_run_name="count", persist_result=True)
    def count() -> list[int]:
        return [one(n)[0] for n in range(4)]

    count()
    return ["count", "count/one-3", "count/one-2", "count/one-1", "count/one-0"]


def listed(perdure: Perdure, *options: str) -> list[str]:
    """The runs of the results, as they are listed."""
    return [line.split()[0] for line in perdure("result", "ls", *options).stdout.splitlines()[1:]]


def test_results_are_listed_in_the_order_in_which_they_were_made(perdure: Perdure):
    names = of_numbers()
    assert listed(perdure) == names


def test_a_flow_runs_own_result_is_listed_however_many_its_tasks_have(perdure: Perdure):
    names = of_numbers()
    assert listed(perdure, "--flow-run", "count", "--limit", "3") == names[:3]


@pytest.fixture
def several(tmp_path: Path) -> None:
    """A flow run `day` of the flow `sales`, with a dict, a large text, and an error of the task `check`."""

    @task(persist_result=True)
    def load() -> dict[str, int]:
        return {"a": 1}

    @task(persist_result=True, result_storage=LocalFileSystem(tmp_path / "other"))
    def note() -> str:
        return "x" * 5_000

    @task(persist_result=True)
    def check() -> None:
        raise ValueError("no such city")

    @flow(flow_run_name="day")
    def sales() -> int:
        load()
        note()
        check(return_state=True)
        return 1

    sales()


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize(
    ("filter", "types"),
    [
        (("--flow", "sales"), ["ValueError", "str", "dict"]),
        (("--flow", "other"), []),
        (("--task", "load"), ["dict"]),
        (("--flow-run", "day", "-n", 2), ["ValueError", "str"]),
        (("--type", "dict"), ["dict"]),
        (("--type", "*Error"), ["ValueError"]),
        (("--failed",), ["ValueError"]),
        (("--larger-than", "4KiB"), ["str"]),
        (("--smaller-than", "4KiB", "--type", "builtins.*"), ["ValueError", "dict"]),
        (("--newer-than", "1h"), ["ValueError", "str", "dict"]),
        (("--older-than", "1h"), []),
        (("--removed",), []),
    ],
)
def test_ls_lists_what_its_options_choose(perdure: Perdure, filter: tuple[object, ...], types: list[str]):
    shown = json.loads(perdure("result", "ls", *filter, "--json").stdout)
    assert [each["type"].removeprefix("builtins.") for each in shown] == types


@pytest.mark.usefixtures("several")
def test_a_storage_goes_by_its_directory_its_slug_or_its_id(perdure: Perdure, tmp_path: Path):
    (by_place,) = json.loads(perdure("result", "ls", "--storage", tmp_path / "other", "--json").stdout)
    (by_id,) = json.loads(perdure("result", "ls", "--storage", by_place["storage_id"], "--json").stdout)
    assert by_place == by_id
    LocalFileSystem(tmp_path / "third").save("third")
    assert perdure("result", "ls", "--storage", "local-file-system/third").stdout.startswith("No result matches.")


@pytest.mark.parametrize(("option", "value"), [("--older-than", "30x"), ("--larger-than", "much")])
def test_an_amount_that_is_none_is_refused_with_an_example(perdure: Perdure, option: str, value: str):
    ended = perdure("result", "ls", option, value)
    assert ended.exit_code == 2
    assert f"{option}: {value!r} is no" in ended.stderr


def test_previews_are_shown_where_there_is_room(perdure: Perdure):
    returned({"a": 1})
    known = session.current().orchestrator
    (record,) = known.results(ResultFilter())
    known.report((record._replace(preview=json.dumps({"kind": "text", "value": "the\nbeginning"})),))
    assert "the beginning" in perdure("result", "ls").stdout
    assert json.loads(perdure("result", "ls", "--json").stdout)[0]["preview"]["kind"] == "text"


def test_of_a_long_name_what_distinguishes_it_is_shown(perdure: Perdure):
    @task(persist_result=True)
    def load() -> list[int]:
        return [1]

    @flow(flow_run_name="a-flow-run-with-a-name-that-is-longer-than-any-terminal-would-ever-care-to-show-in-full")
    def long() -> None:
        load()

    long()
    assert "…/load-0  list" in perdure("result", "ls").stdout
