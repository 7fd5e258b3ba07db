"""Which run's result went into which run."""

import asyncio
from typing import Any

from perdure import flow, session, task


@task
def make(n: int) -> dict[str, int]:
    return {"n": n}


@task
def use(value: Any, other: Any = None) -> list[Any]:
    return [value, other]


def lineage() -> list[tuple[str, str, str]]:
    """(task run, the run whose result it was given, parameter), by name, sorted."""
    known = session.current().orchestrator
    from perdure.records import RunFilter

    runs = {run.id: run.name for run in [*known.task_runs(RunFilter()), *known.flow_runs(RunFilter())]}
    return sorted((runs[each.run_id], runs[each.source_id], each.name) for each in known.inputs_of(tuple(runs)))


def run(body: Any) -> list[tuple[str, str, str]]:
    flow(name="lineage", flow_run_name="it")(body)()
    return lineage()


def test_a_value_that_a_task_returned_is_known_in_the_next_one():
    assert run(lambda: use(make(1), other=make(2))) == [("use-0", "make-0", "value"), ("use-0", "make-1", "other")]


def test_a_future_and_a_state_are_known():
    assert run(lambda: use(make.submit(1), other=make(2, return_state=True))) == [
        ("use-0", "make-0", "value"),
        ("use-0", "make-1", "other"),
    ]


def test_values_and_futures_in_a_collection_are_known():
    assert run(lambda: use([make(1), {"later": make.submit(2)}])) == [
        ("use-0", "make-0", "value"),
        ("use-0", "make-1", "value"),
    ]


def test_what_is_only_waited_for_says_so():
    assert run(lambda: use(1, wait_for=[make.submit(2)])) == [("use-0", "make-0", "wait_for")]


def test_mapped_calls_are_known_one_by_one():
    assert run(lambda: use.map(make.map([1, 2])).result()) == [
        ("use-0", "make-0", "value"),
        ("use-1", "make-1", "value"),
    ]


def test_what_goes_into_a_subflow_is_known():
    inner = flow(name="inner", flow_run_name="inner")(lambda value: value)
    assert run(lambda: inner(make(1))) == [("inner", "make-0", "value")]


def test_an_equal_value_from_elsewhere_is_not_mistaken_for_a_result():
    def body() -> None:
        make(1)
        use({"n": 1})

    assert run(body) == []


def test_a_number_or_a_text_has_no_identity_to_be_known_by():
    one = task(lambda: 1)
    assert run(lambda: use(one())) == []


def test_a_value_that_two_tasks_hand_on_is_known_as_the_last_one_s():
    same = task(name="same")(lambda value: value)
    assert run(lambda: use(same(make(1)))) == [("same-0", "make-0", "value"), ("use-0", "same-0", "value")]


def test_a_cached_result_is_known_as_the_run_s_that_found_it():
    cached = task(name="cached", cache_key_fn=lambda: "key")(lambda: {"n": 1})
    cached()
    assert run(lambda: use(cached())) == [("use-0", "cached-0", "value")]


def test_async_tasks_are_known_too():
    @task
    async def amake() -> dict[str, int]:
        return {"n": 1}

    @flow(flow_run_name="it")
    async def body() -> None:
        use(await amake())

    asyncio.run(body())
    assert lineage() == [("use-0", "amake-0", "value")]
