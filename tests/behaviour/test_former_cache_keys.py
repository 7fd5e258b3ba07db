"""Results that earlier versions cached are found where their keys were right, and are not where others had the same."""

import pathlib
import types
from collections.abc import Callable
from typing import Any

import numpy
import pandas
import pytest

from perdure import INPUTS, flow, task
from perdure._engine.identity import cache_key, former_hashing
from perdure._engine.identity.walker import Former
from perdure._engine.recovery import start_record as starts
from perdure.task_runners import ProcessTaskRunner

RIGHT = (
    *(7, "monday", {"a": [1, {2}]}, pathlib.Path("a/b"), types.SimpleNamespace(a=1), numpy.arange(3)),
    *(numpy.float64(1.5), range(3), pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})),
)
WRONG = (
    *({"b": 1, "a": 2}, numpy.ma.array([1, 2], mask=[0, 1]), numpy.zeros(1, [("a", "i4")]), lambda x: x),
    *(pandas.Series([1, "1"], dtype=object), pandas.Series(pandas.Categorical(["a"]))),
)


@task(cache_policy=INPUTS)
def kept(value: Any) -> list[str]:
    return [str(type(value))]


@flow
def keeping(value: Any) -> str:
    return str(kept(value, return_state=True).name)


def cached_before(monkeypatch: pytest.MonkeyPatch, value: Any, project: str = "") -> None:
    """Have a result under the key that earlier versions made, of a flow of this project or of another one."""

    def digest(value: Any, _: str) -> tuple[str, Former]:
        return former_hashing.digest_of_values(value), Former.SAME

    with monkeypatch.context() as earlier:
        earlier.setattr(cache_key.hashing, "digest_and_former", digest)
        earlier.setattr(cache_key, "project_of", lambda _: "")
        if project:
            earlier.setattr(starts, "project_of", lambda _: project)
        assert keeping(value) == "Completed"


@pytest.mark.parametrize("call", [keeping, lambda value: kept(value, return_state=True).name])
def test_a_result_that_another_project_cached_before_is_not_used(
    monkeypatch: pytest.MonkeyPatch, call: Callable[[Any], str]
) -> None:
    cached_before(monkeypatch, 7, "/elsewhere")

    assert [call(7) for _ in range(2)] == ["Completed", "Cached"]


@pytest.mark.parametrize("value", RIGHT, ids=lambda value: type(value).__name__)
def test_a_result_that_was_cached_before_is_found(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    cached_before(monkeypatch, value)

    assert [keeping(value) for _ in range(2)] == ["Cached", "Cached"]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_a_result_whose_key_others_could_have_is_not_used(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    if not isinstance(value, numpy.ma.MaskedArray):  # it had no key
        cached_before(monkeypatch, value)

    assert [keeping(value) for _ in range(2)] == ["Completed", "Cached"]


@pytest.mark.slow
def test_tasks_in_other_processes_find_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    value = types.SimpleNamespace(a=1)
    cached_before(monkeypatch, value)

    @flow(task_runner=ProcessTaskRunner(max_workers=1))
    def in_process() -> Any:
        return kept.submit(value).wait()

    assert in_process(return_state=True).is_completed()
    assert in_process().name == "Cached"
