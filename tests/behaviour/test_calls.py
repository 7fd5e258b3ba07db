"""How flows and tasks pass their arguments on: as the call did."""

import functools
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure import flow, task
from perdure.task_runners import ProcessTaskRunner

few = settings(max_examples=30, deadline=None)


def noting(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that gives what it is passed, under the signature of the function."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    return wrapper


@noting
def many(a: int, b: int = 2, *rest: int, c: int, d: int = 4, **others: int) -> None:
    """Of every kind of parameter but positional-only ones."""


@few
@given(
    st.lists(st.integers(), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["c", "d", "e", "f"]), st.integers(), max_size=4),
    st.sampled_from([flow, task]),
)
def test_what_is_passed_by_position_and_by_name_reaches_the_function_so(
    args: list[int], kwargs: dict[str, int], make: Any
) -> None:
    kwargs = {"c": 3, **kwargs}
    assert make(many)(*args, **kwargs) == (tuple(args), kwargs)


@pytest.mark.parametrize("make", [flow, task])
def test_a_wrapper_that_takes_names_only_gets_names(make: Any) -> None:
    def plain(a: int, b: int = 2) -> int:
        return a + b

    @functools.wraps(plain)
    def wrapper(**kwargs: Any) -> dict[str, Any]:
        return kwargs

    assert make(wrapper)(b=5, a=1) == {"a": 1, "b": 5}


def test_submitted_and_mapped_calls_pass_arguments_in_the_same_way() -> None:
    @flow
    def calls() -> list[Any]:
        noted = task(many)
        return [noted.submit(1, 2, 3, c=4).result(), *noted.map([1, 2], c=3).result()]

    assert calls() == [((1, 2, 3), {"c": 4}), ((1,), {"c": 3}), ((2,), {"c": 3})]


@pytest.mark.slow
def test_tasks_in_processes_pass_arguments_in_the_same_way() -> None:
    @flow(task_runner=ProcessTaskRunner(max_workers=1))
    def calls() -> Any:
        return task(many).submit(1, 2, 3, c=4).result()

    assert calls() == ((1, 2, 3), {"c": 4})


def test_defaults_are_left_to_the_function() -> None:
    @task
    def appends(item: int, to: list[int] = []) -> list[int]:  # noqa: B006 - Python's own way is what is tested
        to.append(item)
        return to

    assert (appends(1), appends(2)) == ([1, 2], [1, 2])


@functools.singledispatch
def kind(value: object) -> str:
    return "object"


@kind.register
def _(value: int) -> str:
    return "int"


class Text:
    def __init__(self, text: str) -> None:
        self.text = text

    def doubled(self) -> str:
        return self.text * 2


@pytest.mark.parametrize(
    ("function", "args", "value"),
    [
        (len, ([1, 2],), 2),
        (max, (1, 2), 2),
        (print, (), None),
        (numpy.add, (1, 2), 3),
        (numpy.clip, (5, 1, 3), 3),
        (str.upper, ("a",), "A"),
        (dict.get, ({"a": 1}, "a"), 1),
        (Path.is_absolute, (Path("/a"),), True),
        (Text.doubled, (Text("ab"),), "abab"),
        (Text("ab").doubled, (), "abab"),
        (kind, (1,), "int"),
        (functools.partial(int, base=2), ("11",), 3),
        (operator.itemgetter(1), ([1, 2],), 2),
    ],
    ids=lambda each: getattr(each, "__name__", None) or type(each).__name__,
)
def test_whatever_can_be_called_can_be_a_task_and_a_flow(function: Any, args: tuple[Any, ...], value: Any) -> None:
    assert task(function)(*args) == value
    assert flow(function)(*args) == value
    assert flow(lambda: [task(function).submit(*args).result()])() == [value]


def test_positional_only_parameters_are_passed_by_position() -> None:
    @task
    def less(a: int, b: int = 1, /, c: int = 1) -> tuple[int, int, int]:
        return a, b, c

    assert [less(5), less(5, 2), less(5, c=7), less(5, 2, 3)] == [(5, 1, 1), (5, 2, 1), (5, 1, 7), (5, 2, 3)]


@pytest.mark.parametrize("make", [flow, task])
def test_self_may_be_the_name_of_an_argument(make: Any) -> None:
    @make
    def named(self: int, args: int) -> int:
        return self - args

    assert named(self=5, args=3) == 2


def test_cache_key_functions_see_parameters_in_the_order_of_the_signature() -> None:
    calls: list[int] = []

    @task(cache_key_fn=lambda context, parameters: str(parameters))
    def adds(a: int, b: int = 2, c: int = 3) -> int:
        calls.append(a)
        return a + b + c

    assert {adds(1, 2, 3), adds(c=3, a=1), adds(b=2, c=3, a=1), adds(1, b=2)} == {6}
    assert calls == [1]


def test_a_step_is_the_same_whatever_the_order_of_its_arguments() -> None:
    calls: list[int] = []

    @task
    def adds(a: int, b: int) -> int:
        calls.append(a)
        return a + b

    @flow(retries=1)
    def tries() -> int:
        first = len(calls) == 0
        value = adds(a=1, b=2) if first else adds(b=2, a=1)
        if first:
            raise ValueError
        return value

    assert tries() == 3
    assert calls == [1]
