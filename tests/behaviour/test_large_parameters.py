"""Parameters that are deep, large, or hold themselves: they are passed as they are, and at little cost."""

import time
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from perdure import flow, task
from perdure._engine.recovery.kept_values import packed

DEPTH = 5_000


@flow
def flow_of_one(value: Any) -> bool:
    return bool(value)


@flow(retries=1)
def flow_with_steps(value: Any) -> bool:
    return task_of_one(value)


@task
def task_of_one(value: Any) -> bool:
    return bool(value)


@flow
def submits(value: Any) -> bool:
    return task_of_one.submit(value).result()


def deep(wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(DEPTH):
        value = wrap(value)
    return value


def rings() -> dict[str, Any]:
    in_list: list[Any] = [1]
    in_list.append(in_list)
    in_dict: dict[str, Any] = {"name": "a", "next": {"name": "b"}}
    in_dict["next"]["next"] = in_dict
    namespace = SimpleNamespace(others=deque())
    namespace.others.append(namespace)
    return {"list": in_list, "dict": in_dict, "tuple in list": [(in_list,)], "namespace": namespace}


VALUES = {
    **{f"a ring: {name}": lambda name=name: rings()[name] for name in rings()},
    "deep lists": lambda: deep(lambda value: [value]),
    "deep dicts": lambda: deep(lambda value: {"k": value}),
    "deep tuples": lambda: deep(lambda value: (value,)),
}


@pytest.mark.parametrize("call", [flow_of_one, task_of_one, submits, flow_with_steps], ids=lambda each: each.name)
@pytest.mark.parametrize("make", VALUES.values(), ids=list(VALUES))
def test_whatever_its_shape_a_value_is_passed(make: Callable[[], Any], call: Any) -> None:
    assert call(make()) is True


@pytest.mark.parametrize("make", [lambda: list(range(1_000_000)), lambda: tuple(range(1_000_000))])
def test_a_million_numbers_cost_a_flow_milliseconds(make: Callable[[], Any]) -> None:
    value = make()
    took = []
    for _ in range(3):
        begun = time.thread_time()
        flow_of_one(value)
        took.append(time.thread_time() - begun)

    assert min(took) < 0.5


@pytest.mark.parametrize(
    ("parameters", "is_hidden"),
    [
        ({"x": {"password": "sesame"}}, True),
        ({"x": [{"a": ({"api_key": "sesame"},)}]}, True),
        ({"x": {**dict.fromkeys(map(str, range(30_000))), "password": "sesame"}}, True),
        ({"x": [1, {"name": "a"}]}, False),
        ({"x": list(range(1_000_000))}, None),  # too large
    ],
)
def test_secrets_are_looked_for_in_bounded_time_and_hidden_in_doubt(
    parameters: dict[str, Any], is_hidden: bool | None
) -> None:
    text = packed(parameters, "place")

    assert is_hidden is (None if text is None else text.startswith("encrypted:"))


def test_beside_a_secret_what_is_nested_deeply_is_encrypted_or_too_deep_to_be_kept() -> None:
    text = packed({"x": deep(lambda value: [value]), "token": "sesame"}, "place")

    assert text is None or text.startswith("encrypted:")
