"""Cache policies: what a key is made of, and how policies are put together."""

import json
import threading
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    RUN_ID,
    TASK_SOURCE,
    CachePolicy,
    flow,
    session,
    task,
    task_input_hash,
)
from perdure._engine.drivers import perform
from perdure._engine.identity.cache_key import CacheKey, cache_key_of
from perdure.errors import DefinitionError, SerializationError
from perdure.records import CacheFilter
from perdure.task_runners import ProcessTaskRunner


def key_of(policy: Any, parameters: dict[str, Any], flow_run: Any = None) -> CacheKey | None:
    """The key that a policy makes of a call with these arguments."""
    options = SimpleNamespace(cache_policy=policy, cache_key_fn=None, key="module.task", function=key_of)
    run: Any = SimpleNamespace(options=options, parameters=parameters, id="run", parent=flow_run, flow=flow_run)
    steps = cache_key_of(run)
    try:
        effect = next(steps)
        while True:
            effect = steps.send(perform(effect, None))  # type: ignore[arg-type]
    except StopIteration as stop:
        return stop.value


def components(policy: Any, parameters: dict[str, Any]) -> list[str]:
    key = key_of(policy, parameters)
    assert key is not None
    assert key.components is not None
    return list(json.loads(key.components))


def test_equal_inputs_are_computed_once() -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def square(x: int) -> list[int]:
        calls.append(x)
        return [x * x]

    assert [square(2), square(3), square(2), square(x=3)] == [[4], [9], [4], [9]]
    assert calls == [2, 3]


def test_tasks_with_equal_inputs_do_not_share_results() -> None:
    first = task(cache_policy=INPUTS)(lambda x: ["first", x])

    @task(cache_policy=INPUTS)
    def second(x: int) -> list[Any]:
        return ["second", x]

    assert (first(1), second(1)) == (["first", 1], ["second", 1])


def test_an_argument_that_is_left_out_does_not_count() -> None:
    calls = []

    @task(cache_policy=INPUTS - "lock")
    def load(day: str, lock: Any) -> str:
        calls.append(day)
        return day

    load("may", threading.Lock())
    load("may", threading.Lock())

    assert calls == ["may"]


def test_an_argument_that_cannot_be_hashed_is_named_with_the_mend() -> None:
    @task(cache_policy=INPUTS)
    def load(day: str, sources: Any) -> str:
        return day

    with pytest.raises(SerializationError, match=r"The argument sources\[1\], a _thread\.lock, cannot be hashed") as at:
        load("may", [1, threading.Lock()])
    assert "cache_policy=INPUTS - 'sources'" in str(at.value)


def test_leaving_out_an_unknown_argument_is_an_error_at_definition() -> None:
    with pytest.raises(DefinitionError, match=r"leaves out 'loger', but 'load' has no such parameter. Did you mean 'l"):

        @task(cache_policy=INPUTS - "loger")
        def load(day: str, logger: Any) -> None: ...


@pytest.mark.parametrize("policy", [TASK_SOURCE, NO_CACHE, RUN_ID + FLOW_PARAMETERS])
def test_only_inputs_have_arguments_to_leave_out(policy: CachePolicy) -> None:
    with pytest.raises(DefinitionError, match="leaves out nothing"):
        policy - "x"


def test_a_sum_leaves_arguments_out_of_its_inputs() -> None:
    assert components(TASK_SOURCE + INPUTS - "b" - "c", {"a": 1, "b": 2, "c": 3}) == [
        *("helpers", "inputs.a", "project"),
        *("source", "task"),
    ]


def test_a_run_id_keeps_the_cache_to_one_flow_run() -> None:
    calls = []

    @task(cache_policy=INPUTS + RUN_ID)
    def load(day: str) -> str:
        calls.append(day)
        return day

    @flow
    def twice() -> None:
        load("may")
        load("may")

    twice()
    twice()

    assert calls == ["may", "may"]


def test_flow_parameters_count() -> None:
    calls = []

    @task(cache_policy=FLOW_PARAMETERS)
    def load() -> str:
        calls.append(1)
        return "loaded"

    @flow
    def daily(day: str, places: list[str]) -> str:
        return load()

    for day in ("may", "may", "june"):
        daily(day, ["here"])

    assert len(calls) == 2


def load_in_process(day: str) -> str:
    return day


@pytest.mark.slow
def test_flow_parameters_count_in_other_processes_too() -> None:
    load = task(cache_policy=FLOW_PARAMETERS)(load_in_process)

    @flow(task_runner=ProcessTaskRunner(max_workers=1))
    def daily(places: list[str]) -> Any:
        return load.submit("day").wait()

    states = [daily([place], return_state=True).data.get() for place in ("here", "here", "there")]

    assert [state.name for state in states] == ["Completed", "Cached", "Completed"]


def test_a_function_is_a_policy_and_part_of_one() -> None:
    def month(parameters: dict[str, Any]) -> str | None:
        return parameters["day"][:7] or None

    calls = []

    @task(cache_policy=month)
    def load(day: str) -> int:
        calls.append(day)
        return len(calls)

    assert [load("2026-05-01"), load("2026-05-02"), load("2026-06-01")] == [1, 1, 2]
    assert [load(""), load("")] == [3, 4]
    assert components(INPUTS + month, {"day": "2026-05"})[0] == "inputs.day"
    assert components(month + INPUTS, {"day": "2026-05"}) == components(INPUTS + month, {"day": "2026-05"})


def test_a_policy_of_ones_own_gives_named_values() -> None:
    class Table(CachePolicy):
        def components(self, context: Any, parameters: dict[str, Any]) -> Mapping[str, Any] | None:
            table = parameters["table"]
            return None if table is None else {"version": table["version"], "source": table["rows"]}

    policy = Table() + TASK_SOURCE
    assert components(policy, {"table": {"version": 1, "rows": 2}}) == [
        "helpers",
        "project",
        "source",
        "source#2",
        "task",
        "version",
    ]
    assert key_of(policy, {"table": {"version": 1, "rows": 2}}) != key_of(policy, {"table": {"version": 2, "rows": 2}})
    assert key_of(policy, {"table": None}) is None


def test_no_cache_caches_nothing_and_persists_nothing() -> None:
    calls = []
    counted = task(cache_policy=INPUTS)(lambda: calls.append(1))

    off = counted.with_options(cache_policy=NO_CACHE, persist_result=False)
    off()
    off()

    assert len(calls) == 2
    assert NO_CACHE + INPUTS is INPUTS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cache_policy": INPUTS, "cache_key_fn": task_input_hash}, "a cache_key_fn and a cache_policy"),
        ({"cache_policy": INPUTS, "persist_result": False}, "persist_result=False and a cache_policy"),
        ({"cache_policy": 3}, "3 is no cache policy"),
        ({"cache_policy": CachePolicy}, "Give an instance"),
    ],
)
def test_options_that_cannot_be_met_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        task(**options)(lambda x: x)


def test_a_policy_that_returns_no_names_crashes_the_run() -> None:
    class Wrong(CachePolicy):
        def components(self, *_: Any) -> Any:
            return "text"

    with pytest.raises(TypeError, match="returned 'text', a str. Return a dict"):
        task(cache_policy=Wrong())(lambda: 1)()


def test_the_cache_keeps_what_its_keys_were_made_of() -> None:
    task(cache_policy=DEFAULT)(lambda x: x)(1)

    (entry,) = session.current().orchestrator.cache_entries(CacheFilter())

    assert list(json.loads(entry.components or "")) == ["helpers", "inputs.x", "project", "source", "task"]


def odd(parameters: dict[str, Any]) -> str:
    return str(len(parameters))


policies = st.sampled_from(
    [INPUTS, INPUTS - "a", TASK_SOURCE, RUN_ID, FLOW_PARAMETERS, NO_CACHE, CachePolicy.__add__(INPUTS, odd)]
)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
hashable = plain | st.tuples(plain, plain)
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.frozensets(hashable, max_size=3)
    ),
    max_leaves=8,
)
arguments = st.dictionaries(st.sampled_from(["a", "b", "c"]), values)


@given(policies, policies, policies, arguments)
def test_it_does_not_matter_how_policies_are_grouped(a: Any, b: Any, c: Any, parameters: dict[str, Any]) -> None:
    assert key_of((a + b) + c, parameters) == key_of(a + (b + c), parameters)
    assert key_of(a + a, parameters) == key_of(a, parameters)


def spelled(value: Any) -> str:
    """Text that is the same for equal values of equal types only."""
    if isinstance(value, dict):
        return f"dict {sorted((spelled(key), spelled(each)) for key, each in value.items())}"
    if isinstance(value, frozenset):
        return f"frozenset {sorted(map(spelled, value))}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} {[spelled(each) for each in value]}"
    return f"{type(value).__name__} {value!r}"


@pytest.mark.slow
@given(arguments, arguments)
def test_different_inputs_have_different_keys(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert (key_of(INPUTS, first) == key_of(INPUTS, second)) == (spelled(first) == spelled(second))
