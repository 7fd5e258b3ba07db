"""Caching: runs with the same key share one result, across tasks, runs and processes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, task, task_input_hash
from perdure.states import StateType
from tests import prepared


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *_: Any) -> int:
        self.count += 1
        return self.count


def test_a_hit_is_completed_and_named_cached(known: Any) -> None:
    counted = task(name="counted", cache_key_fn=lambda *_: "key")(Counter())

    assert counted() == 1
    state = counted(return_state=True)
    assert (state.type, state.name, state.result()) == (StateType.COMPLETED, "Cached", 1)
    assert known.state_names(known.task_runs("counted")[1].id) == ["Pending", "Cached"]


@pytest.mark.parametrize(
    "key_function",
    [lambda: "always", lambda parameters: f"x{parameters['x']}", lambda context, _: context.task.name],
)
def test_the_key_function_may_take_nothing_parameters_or_context_and_parameters(key_function: Any) -> None:
    calls = Counter()

    @task(cache_key_fn=key_function)
    def counted(x: int) -> int:
        return calls(x)

    assert [counted(1), counted(1)] == [1, 1]


def test_the_key_function_gets_values_and_defaults() -> None:
    seen = []

    def key(_: Any, parameters: Any) -> str:
        seen.append(parameters)
        return "k"

    @task
    def five() -> int:
        return 5

    @task(cache_key_fn=key)
    def keyed(x: int, y: int = 2) -> int:
        return x + y

    flow(lambda: keyed.submit(five.submit()).result())()

    assert seen == [{"x": 5, "y": 2}]


def test_keys_are_global_across_tasks() -> None:
    first = task(cache_key_fn=lambda: "shared")(lambda: "first")
    second = task(cache_key_fn=lambda: "shared")(lambda: "second")

    assert (first(), second()) == ("first", "first")


def test_a_key_of_none_means_no_caching() -> None:
    counted = task(cache_key_fn=lambda *_: None)(Counter())

    assert [counted(), counted()] == [1, 2]


def test_a_failure_is_never_cached() -> None:
    attempts = []

    @task(cache_key_fn=lambda: "k")
    def fails_once() -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError
        return 7

    fails_once(return_state=True)

    assert fails_once() == 7


def test_completion_hooks_do_not_run_for_a_hit() -> None:
    calls = []
    cached = task(cache_key_fn=lambda: "k", on_completion=[lambda *_: calls.append(1)])(lambda: 1)

    cached()
    cached()

    assert calls == [1]


def test_an_expired_result_is_not_used() -> None:
    counted = task(cache_key_fn=lambda *_: "k", cache_expiration=timedelta(microseconds=1))(Counter())

    assert [counted(), counted()] == [1, 2]


def test_a_result_that_has_not_expired_is_used() -> None:
    counted = task(cache_key_fn=lambda *_: "k", cache_expiration=timedelta(hours=1))(Counter())

    assert [counted(), counted()] == [1, 1]


def test_refreshing_runs_again_and_replaces_the_result() -> None:
    counted = task(cache_key_fn=lambda *_: "k")(Counter())

    assert [counted(), counted.with_options(refresh_cache=True)(), counted()] == [1, 2, 2]


def test_a_cached_result_whose_file_is_gone_is_made_again_and_the_log_says_so(home: Path, known: Any) -> None:
    calls = Counter()
    counted = task(name="counted", cache_key_fn=lambda *_: "k")(lambda: [calls()])
    counted()
    for file in (home / "storage").rglob("*"):
        file.unlink()

    assert counted() == [2]
    assert counted() == [2]
    lines = [line.message for line in known.lines(task_run_id=known.task_runs("counted")[1].id)]
    assert any("the task runs again" in line for line in lines)


def test_a_cached_result_that_is_corrupt_is_made_again(home: Path) -> None:
    calls = Counter()
    counted = task(cache_key_fn=lambda *_: "k")(lambda: [calls()])
    counted()
    for file in (home / "storage").iterdir():
        file.write_bytes(b"{")

    assert counted() == [2]


def test_a_key_that_is_neither_text_nor_an_integer_crashes_the_run() -> None:
    with pytest.raises(TypeError, match="cache_key_fn returned 2.5, a float"):
        task(cache_key_fn=lambda: 2.5)(lambda: 1)()


def test_the_hash_of_inputs_distinguishes_arguments_and_tasks() -> None:
    calls = Counter()

    @task(cache_key_fn=task_input_hash)
    def a(x: Any) -> Any:
        return ["a", x, calls()]

    @task(cache_key_fn=task_input_hash)
    def b(x: Any) -> Any:
        return ["b", x, calls()]

    assert a(1) == a(1)
    assert a({"k": [1, 2], "l": 1}) == a({"l": 1, "k": [1, 2]})
    assert len({str(made) for made in (a(1), b(1), a(1.0), a("1"), a(True), a([1]), a((1,)))}) == 7


def test_the_hash_of_inputs_sees_another_constant_in_the_code() -> None:
    def made(constant: int) -> Any:
        namespace: dict[str, Any] = {"__name__": __name__}
        exec(f"def computes(x):\n    return x + {constant}", namespace)
        return task(cache_key_fn=task_input_hash)(namespace["computes"])

    assert (made(1)(1), made(1)(1), made(1000)(1)) == (2, 2, 1001)


def test_a_hit_counts_among_the_flows_children() -> None:
    cached = task(cache_key_fn=lambda: "k")(lambda: [3])
    cached()

    result: Any = flow(lambda: cached() and None)()

    assert [state.result() for state in result] == [[3]]


def test_a_cached_result_is_used_inside_a_flow_by_submit_and_map() -> None:
    calls = Counter()
    counted = task(cache_key_fn=lambda *_: "k")(lambda x: calls(x))

    @flow
    def uses() -> Any:
        return counted(0), counted.submit(0).result(), counted.map([0, 0]).result()

    assert uses() == (1, 1, [1, 1])


@pytest.mark.slow
def test_another_process_uses_a_cached_result(tmp_path: Path) -> None:
    script = tmp_path / "cached.py"
    script.write_text(
        "import os\nfrom perdure import task, task_input_hash\n"
        "@task(cache_key_fn=task_input_hash)\ndef process(x):\n    return os.getpid()\n"
        "print(process({'a': {1, 2, 3, 'b', 'c'}}))\n",
        "utf-8",
    )

    def run() -> str:
        return prepared.run(script, check=True).stdout

    first = run()
    assert run() == first


def test_a_cached_run_is_named_by_its_template_too(known: Any) -> None:
    @task(cache_key_fn=lambda: "named", task_run_name="number {x}")
    def counted(x: int) -> int:
        return x

    counted(1)
    counted(2)

    assert {run.name for run in known.task_runs("counted")} == {"number 1", "number 2"}


def test_a_key_that_another_call_has_overwritten_is_no_hit() -> None:
    calls = []

    @task(cache_key_fn=task_input_hash, result_storage_key="latest", cache_result_in_memory=False)
    def square(x: int) -> list[int]:
        calls.append(x)
        return [x * x]

    assert [square(3), square(5), square(5), square(3)] == [[9], [25], [25], [9]]
    assert calls == [3, 5, 3]


def test_a_cached_result_that_expires_after_all_times_is_kept_for_ever() -> None:
    counted = task(cache_key_fn=lambda *_: "k", cache_expiration=timedelta.max)(Counter())

    assert [counted(), counted()] == [1, 1]
