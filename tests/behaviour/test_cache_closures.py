"""Tasks of one name that are different functions: closures, lambdas, partials and methods have keys of their own."""

import ast
import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from perdure import INPUTS, Task, task, task_input_hash
from perdure._engine.identity import source_files
from perdure._engine.identity.closures import distinction_of

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


@pytest.mark.parametrize(
    "error",
    [SystemError("AST constructor recursion depth mismatch"), RecursionError("during ast construction")],
    ids=lambda error: type(error).__name__,
)
def test_a_closure_keeps_its_key_where_python_fails_to_parse_beside_another_thread(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def key() -> str:
        source_files.own_source.cache_clear()
        source_files._parsed.cache_clear()
        return distinction_of(times(2).fn)

    usual, parse, failures = key(), ast.parse, [error] * 3

    def fails(*args: Any, **kwargs: Any) -> Any:
        if failures:
            raise failures.pop()
        return parse(*args, **kwargs)

    monkeypatch.setattr(ast, "parse", fails)

    assert key() == usual
    assert not failures


def test_threads_that_ask_for_the_source_of_one_file_parse_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    function, parse, parsed = times(2).fn, ast.parse, []

    def parses(text: Any, *args: Any, **kwargs: Any) -> Any:
        parsed.append(threading.get_ident())
        time.sleep(0.01)
        return parse(text, *args, **kwargs)

    source_files.own_source.cache_clear()
    source_files._parsed.cache_clear()
    monkeypatch.setattr(ast, "parse", parses)
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(distinction_of, [function] * 4))) == 1

    assert len(parsed) == 1
