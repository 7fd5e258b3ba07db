"""`perdure cache`"""

import json

import pytest
from command_line import Perdure

from perdure import INPUTS, task


@task(cache_policy=INPUTS)
def square(x: int) -> list[int]:
    return [x * x]


@task(cache_key_fn=lambda: "the-answer")
def answer() -> int:
    return 42


@pytest.fixture(autouse=True)
def cached() -> None:
    square(2)
    square(3)
    answer()


def keys(perdure: Perdure, *options: object) -> list[str]:
    return [each["key"] for each in json.loads(perdure("cache", "ls", "--json", *options).stdout)]


def test_ls_lists_keys_with_what_they_stand_for(perdure: Perdure):
    listed = perdure("cache", "ls").output.splitlines()
    assert listed[0].split() == ["key", "task", "type", "size", "created", "expires"]
    assert listed[1].split()[:3] == ["the-answer", "answer", "int"]
    assert len(listed) == 4


def test_ls_by_task_and_age(perdure: Perdure):
    assert len(keys(perdure, "--task", "square")) == 2
    assert len(keys(perdure, "--older-than", "0s")) == 3
    assert keys(perdure, "--older-than", "1h") == []
    assert "No cached result matches." in perdure("cache", "ls", "--task", "none").output


def test_show_says_what_a_key_was_made_of(perdure: Perdure):
    key = keys(perdure, "--task", "square")[0]
    shown = perdure("cache", "show", key[:12]).output
    assert key in shown
    assert "inputs.x" in shown
    assert "test_cli_cache.square" in shown
    assert json.loads(perdure("cache", "show", "the-a", "--json").stdout)["components"] is None


def test_a_key_that_is_unknown_or_ambiguous_is_named(perdure: Perdure):
    assert "No cache key begins with 'zz'" in perdure("cache", "show", "zz").output
    assert "No cache key begins with ''" in perdure("cache", "clear", "").output


def test_clear_forgets_a_key_so_that_its_task_runs_again(perdure: Perdure):
    assert "Forgot 1 cached result." in perdure("cache", "clear", "the-answer", "--yes").output
    assert answer(return_state=True).name == "Completed"
    assert square(2, return_state=True).name == "Cached"


def test_clear_by_task_by_age_and_all(perdure: Perdure):
    assert "Forgot 0 cached results." in perdure("cache", "clear", "--older-than", "1h").output
    assert json.loads(perdure("cache", "clear", "--task", "square", "--yes", "--json").stdout) == {"forgotten": 2}
    assert "Forgot 1 cached result." in perdure("cache", "clear", "--all", "--yes").output
    assert "Nothing is cached." in perdure("cache", "ls").output


def test_clear_asks_first_and_wants_to_know_what(perdure: Perdure):
    assert perdure("cache", "clear", "--all").exit_code == 1  # nobody answers
    assert "Choose what to clear" in perdure("cache", "clear").output
    assert "Choose what to clear" in perdure("cache", "clear", "the-answer", "--all").output
    assert len(keys(perdure)) == 3
