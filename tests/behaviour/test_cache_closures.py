"""Tasks of one name that are different functions: closures, lambdas, partials and methods have keys of their own."""

import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from perdure import INPUTS, Task, task, task_input_hash

Options = dict[str, Any]
BY = pytest.mark.parametrize(
    "options", [{"cache_policy": INPUTS}, {"cache_key_fn": task_input_hash}], ids=["policy", "fn"]
)


def times(n: Any, **options: Any) -> Task[[int], Any]:
    @task(**options)
    def scaled(x: int) -> Any:
        return x * (n if isinstance(n, int) else n["by"] if isinstance(n, dict) else n(1))

    return scaled


class Scale:
    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, x: int) -> int:
        return self.by * x

    def of(self, x: int) -> int:
        return self.by * x


def by_two(x: int) -> int:
    return 2 * x


def by_three(x: int) -> int:
    return 3 * x


def scale(by: int, x: int) -> int:
    return by * x


def wrapping(by: int) -> Callable[[Callable[[int], int]], Callable[[int], int]]:
    def wrap(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def wrapped(x: int) -> int:
            return by * function(x) // 2

        return wrapped

    return wrap


PAIRS: list[tuple[str, Callable[[Options], tuple[Any, Any]]]] = [
    ("numbers", lambda options: (times(2, **options), times(3, **options))),
    ("dicts", lambda options: (times({"by": 2}, **options), times({"by": 3}, **options))),
    ("functions", lambda options: (times(by_two, **options), times(by_three, **options))),
    ("inner closures", lambda options: (times(lambda x: 2 * x, **options), times(lambda x: 3 * x, **options))),
    ("tasks", lambda options: (times(task(by_two), **options), times(task(by_three), **options))),
    ("lambdas", lambda options: (task(lambda x: 2 * x, **options), task(lambda x: 3 * x, **options))),
    ("partials", lambda options: tuple(task(functools.partial(scale, by), name="scale", **options) for by in (2, 3))),  # type: ignore[dict-item, return-value]
    ("objects", lambda options: tuple(task(Scale(by), **options) for by in (2, 3))),  # type: ignore[return-value]
    ("bound methods", lambda options: tuple(task(Scale(by).of, **options) for by in (2, 3))),  # type: ignore[return-value]
    ("wrapped", lambda options: tuple(task(wrapping(by)(by_two), **options) for by in (2, 3))),  # type: ignore[return-value]
]


@BY
@pytest.mark.parametrize(("kind", "make"), PAIRS, ids=[kind for kind, _ in PAIRS])
def test_functions_of_one_name_do_not_share(
    kind: str, make: Callable[[Options], tuple[Any, Any]], options: Options
) -> None:
    double, triple = make(options)
    assert [double(10), triple(10)] == [20, 30]
    again, _ = make(options)
    assert again(10, return_state=True).name == "Cached"


def test_what_a_task_notes_in_its_closure_makes_no_other_task_of_it() -> None:
    calls: list[int] = []
    count = 0

    @task(cache_policy=INPUTS)
    def noted(x: int) -> int:
        nonlocal count
        count += 1
        calls.append(x)
        return x

    assert [noted(1), noted(1), noted(2), noted(1)] == [1, 1, 2, 1]
    assert calls == [1, 2]


def test_another_value_in_a_closure_counts() -> None:
    by = 2

    @task(cache_policy=INPUTS)
    def scaled(x: int) -> int:
        return by * x

    assert scaled(10) == 20
    by = 3
    assert scaled(10) == 30


def test_a_closure_may_hold_itself_and_what_has_no_digest() -> None:
    lock = threading.Lock()

    @task(cache_policy=INPUTS)
    def factorial(n: int) -> int:
        with lock:
            pass
        return 1 if n == 0 else n * factorial.fn(n - 1)

    assert factorial(5) == 120
    assert factorial(5, return_state=True).name == "Cached"


def test_a_function_at_the_top_level_is_known_by_its_name_alone() -> None:
    named = task(cache_policy=INPUTS)(by_two)
    assert named(10) == 20
    named.fn.__code__ = by_three.__code__
    try:
        assert named(10) == 20  # only TASK_SOURCE looks at its code
    finally:
        by_two.__code__ = (lambda x: 2 * x).__code__.replace(co_name="by_two", co_qualname="by_two")
