"""Two projects with a module of one name, in one home: neither takes the other's values, steps and runs."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from perdure import settings
from perdure.testing.crashes import killed

SOURCE = """
import functools
import numpy
from perdure import INPUTS, flow, task, task_input_hash, transaction

@task(cache_policy=INPUTS)
def load(day):
    return "{word} " + day

@task(cache_key_fn=task_input_hash)
def hashed(day):
    return "{word} " + day

def both(before, day):
    return "{word} " + day

class Loader:
    @task(cache_policy=INPUTS)
    def load(self, day):
        return "{word} " + day

    def __call__(self, day):
        return "{word} " + day

part = task(functools.partial(both, 1), cache_policy=INPUTS, name="part")
part_of_part = task(functools.partial(functools.partial(Loader()), **{{}}), cache_policy=INPUTS, name="part of part")
method = Loader().load
vectorized = task(numpy.vectorize(lambda day: both(1, day), otypes=[object]), cache_policy=INPUTS, name="vectorized")
called = task(Loader(), cache_policy=INPUTS, name="called")

@task(persist_result=True)
def step(day):
    return "{word} " + day

@task
def other(day):
    return day

@flow(on_crash="resume")
def crashing(day):
    return [step(day), other(day)]

@flow
def keyed(day):
    with transaction(key="k " + day):
        return step(day)

@flow(idempotency_key="{{day}}")
def once(day):
    return "{word} " + day
"""

Load = Callable[[str], ModuleType]


@pytest.fixture
def etl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """The module `etl` of a folder, as a process that was started there has it."""

    def load(word: str, folder: str | None = None, above: str = "") -> ModuleType:
        place = tmp_path / (folder or word)
        place.mkdir(exist_ok=True, parents=True)
        place.joinpath("etl.py").write_text(SOURCE.format(word=word))
        sys.modules.pop("etl", None)
        monkeypatch.syspath_prepend(place)
        importlib.invalidate_caches()
        return importlib.import_module("etl")

    yield load
    sys.modules.pop("etl", None)


@pytest.mark.parametrize(
    "name", ["load", "hashed", "part", "part_of_part", "vectorized", "method", "called", "keyed", "once"]
)
def test_each_project_has_its_own(etl: Load, name: str) -> None:
    for _ in range(2):
        for word in ("one", "two"):
            assert getattr(etl(word), name)("monday") == f"{word} monday"


def test_a_crashed_run_of_another_project_is_left_alone(etl: Load) -> None:
    assert killed(lambda: etl("one").crashing("monday"), before=8).killed
    assert etl("two").crashing("monday") == ["two monday", "monday"]
    module = etl("one")
    seen: list[Any] = []
    again = module.crashing.with_options()
    again.on_completion(lambda flow, run, state: seen.append(run.resumed_from))
    assert again("monday") == ["one monday", "monday"]
    assert seen != [()]  # it resumed the one that crashed


def test_a_folder_of_the_same_project_shares_what_it_is_to_share(etl: Load, tmp_path: Path) -> None:
    tmp_path.joinpath("pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert etl("one").once("monday") == "one monday"
    assert etl("two").once("monday") == "one monday"  # a key of the user's is the whole project's
    assert [etl(word).load("monday") for word in ("one", "two")] == ["one monday", "two monday"]
    assert [etl(word).keyed("monday") for word in ("one", "two")] == ["one monday", "two monday"]


def test_the_setting_says_that_two_folders_are_one_project(etl: Load) -> None:
    with settings.temporary_settings(project="shop"):
        assert [etl(word).load("monday") for word in ("one", "two")] == ["one monday", "one monday"]
    with settings.temporary_settings(project="another"):
        assert etl("two").load("monday") == "two monday"


def test_a_checkout_in_another_place_is_the_same_project(etl: Load, tmp_path: Path) -> None:
    for word in ("one", "two"):
        tmp_path.joinpath(word).mkdir()
        tmp_path.joinpath(word, "pyproject.toml").write_text('[project]\nname = "shop"\n')
    assert [etl(word).load("monday") for word in ("one", "two")] == ["one monday", "one monday"]


def test_scripts_of_one_folder_have_crashed_runs_of_their_own(etl: Load, tmp_path: Path) -> None:
    module = etl("one")
    assert killed(lambda: module.crashing("monday"), before=8).killed
    tmp_path.joinpath("one", "other.py").write_text(SOURCE.format(word="other"))
    try:
        assert importlib.import_module("other").crashing("monday") == ["other monday", "monday"]
    finally:
        sys.modules.pop("other", None)
