"""Futures of tasks and flows: waiting for several, and mapped ones as a list."""

import asyncio
import concurrent.futures
import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from perdure import allow_failure, flow, quote, task
from perdure.errors import DefinitionError, UnfinishedRun
from perdure.futures import as_completed, wait
from perdure.states import Completed
from perdure.task_runners import ProcessTaskRunner, SequentialTaskRunner, ThreadTaskRunner


@task
def same(value: Any) -> Any:
    return value


@task
def fails_on_two(number: int) -> int:
    if number == 2:
        raise ValueError("two")
    return number


class Gate:
    """What a task waits for until the test opens it."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def task(self) -> Any:
        return task(name="gated")(lambda value: (self.opened.wait(30), value)[1])


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


def in_flow(function: Any, **options: Any) -> Any:
    return flow(**options)(lambda: [function()])()[0]


# Waiting


def test_waiting_gives_what_is_done_and_what_is_not(gate: Gate) -> None:
    def waits() -> Any:
        futures = [same.submit(1), gate.task().submit(2)]
        done, not_done = wait(futures, timeout=0.05)
        gate.opened.set()
        return [done == futures[:1], not_done == futures[1:], wait(iter(futures)).not_done]

    assert in_flow(waits) == [True, True, []]


def test_futures_come_as_they_complete(gate: Gate) -> None:
    def completes() -> list[int]:
        values = []
        for future in as_completed([gate.task().submit(1), same.submit(2)]):
            values.append(future.result())
            gate.opened.set()
        return values

    assert in_flow(completes) == [2, 1]


def test_what_takes_too_long_to_complete_is_an_error(gate: Gate) -> None:
    def completes() -> list[Any]:
        values = []
        with pytest.raises(TimeoutError, match="1 run has not finished after 0.05 second"):
            values += [values.append(each.result()) for each in as_completed(gate_and_one(gate), timeout=0.05)]
        gate.opened.set()
        return values

    assert in_flow(completes) == [1]


def gate_and_one(gate: Gate) -> list[Any]:
    return [gate.task().submit(2), same.submit(1)]


def test_tasks_in_a_full_runner_may_wait_for_what_completes() -> None:
    @task
    def outer() -> list[int]:
        return sorted(future.result() for future in as_completed([same.submit(n) for n in range(3)]))

    assert in_flow(lambda: outer.submit().result(), task_runner=ThreadTaskRunner(max_workers=1)) == [0, 1, 2]


def test_coroutines_complete_in_async_for() -> None:
    @task
    async def naps(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @flow
    async def completes() -> list[float]:
        return [await each.result() async for each in as_completed([naps.submit(0.05), naps.submit(0)])]

    @flow
    async def takes_too_long() -> None:
        async for _ in as_completed([naps.submit(0.2)], timeout=0.01):
            pass

    assert asyncio.run(completes()) == [0, 0.05]
    with pytest.raises(TimeoutError):
        asyncio.run(takes_too_long())


@pytest.mark.parametrize("timeout", [-1, -0.001, math.nan])
def test_negative_timeouts_are_refused_at_once(timeout: float) -> None:
    def calls(future: Any, mapped: Any) -> list[Any]:
        return [
            lambda: future.wait(timeout),
            lambda: future.result(timeout=timeout),
            lambda: mapped.wait(timeout),
            lambda: mapped.result(timeout=timeout),
            lambda: wait([future], timeout=timeout),
            lambda: as_completed([future], timeout=timeout),
        ]

    def refuses() -> str:
        for call in calls(same.submit(1), same.map([1])):
            with pytest.raises(ValueError, match="must be at least 0 seconds"):
                call()
        return "all"

    assert in_flow(refuses) == "all"


def test_negative_timeouts_of_coroutines_are_refused_too() -> None:
    @task
    async def one() -> int:
        return 1

    @flow
    async def refuses() -> int:
        with pytest.raises(ValueError, match="at least 0"):
            await one.submit().wait(-1)
        return 1

    assert asyncio.run(refuses()) == 1


def test_a_flag_is_no_timeout() -> None:
    with pytest.raises(TypeError, match="must be a number of seconds"):
        in_flow(lambda: same.map([1]).result(False))


# Mapped futures as a list


def test_mapped_futures_are_sliced_added_and_looked_through() -> None:
    def values() -> list[Any]:
        mapped = same.map([1, 2, 3])
        extra = same.submit(4)
        parts = [
            mapped[1:],
            mapped[:-1],
            mapped[::-1],
            mapped.__add__([extra]),
            mapped.__radd__([extra]),
            mapped + mapped,
            [*mapped],
        ]
        assert mapped.index(mapped[2]) == 2
        assert mapped[0] in mapped
        return [[future.result() for future in part] for part in parts]

    expected = [[2, 3], [1, 2], [3, 2, 1], [1, 2, 3, 4], [4, 1, 2, 3], [1, 2, 3, 1, 2, 3], [1, 2, 3]]
    assert in_flow(values) == expected


def test_a_slice_of_a_generator_takes_no_more_than_it_needs() -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in range(3_000):
            taken.append(number)
            yield number

    def values() -> Any:
        mapped = same.map(numbers())
        first = [future.result() for future in mapped[:3]]
        return first, len(taken) < 3_000, [future.result() for future in mapped[2_998:]]

    assert in_flow(values) == ([0, 1, 2], True, [2_998, 2_999])


def test_mapped_futures_are_waited_for_only_so_long(gate: Gate) -> None:
    def waits() -> Any:
        mapped = gate.task().map([1, 2])
        with pytest.raises(TimeoutError, match="2 mapped calls have not finished"):
            mapped.result(timeout=0.02)
        before = mapped.wait(timeout=0.02), mapped.is_done
        gate.opened.set()
        return before, mapped.wait(timeout=30), mapped.is_done, mapped.result(timeout=30)

    assert in_flow(waits) == ((False, False), True, True, [1, 2])


def test_a_failure_is_raised_before_the_others_have_finished(gate: Gate) -> None:
    gated = gate.task()

    @task
    def fails_or_waits(number: int) -> Any:
        return gated.fn(number) if number else [][0]

    def raises() -> bool:
        with pytest.raises(IndexError):
            fails_or_waits.map([1, 0]).result()
        before = not gate.opened.is_set()
        gate.opened.set()
        return before

    assert in_flow(raises) is True


def test_a_failure_of_a_coroutine_is_raised_before_the_others_have_finished() -> None:
    may_end = asyncio.Event()

    @task
    async def fails_or_waits(number: int) -> None:
        if number:
            await may_end.wait()
        else:
            raise IndexError

    @flow
    async def raises() -> str:
        with pytest.raises(IndexError):
            await asyncio.wait_for(fails_or_waits.map([1, 0]).result(), 60)
        may_end.set()
        return "raised"

    assert asyncio.run(raises()) == "raised"


def test_of_several_failures_the_first_in_order_is_raised() -> None:
    @task
    def fails(number: int) -> None:
        raise ValueError(number)

    def raises() -> str:
        mapped = fails.map([1, 2, 3])
        mapped.wait()
        with pytest.raises(ValueError, match="1"):
            mapped.result()
        return "done"

    assert in_flow(raises) == "done"


def test_mapped_calls_give_their_states() -> None:
    def states() -> list[str]:
        return [state.name for state in fails_on_two.map([1, 2], return_state=True)]

    assert in_flow(states) == ["Completed", "Failed"]


def test_mapped_coroutines_give_their_states_awaited() -> None:
    @task
    async def half(number: int) -> float:
        return 1 / number

    @flow
    async def states() -> list[str]:
        mapped = half.map([1, 0])
        return [state.name for state in await half.map([1, 0], return_state=True)] + [str(await mapped.wait(30))]

    assert asyncio.run(states()) == ["Completed", "Failed", "True"]


# What is mapped over


def test_items_that_may_fail_are_mapped_over() -> None:
    @task
    def look(value: Any) -> Any:
        return type(value).__name__

    def looks(of: Any) -> Any:
        return in_flow(lambda: look.map(allow_failure(of())).result())

    assert looks(lambda: fails_on_two.map([1, 2, 3])) == ["int", "ValueError", "int"]
    assert looks(lambda: [fails_on_two.submit(2), 5]) == ["ValueError", "int"]
    assert looks(lambda: (fails_on_two.submit(n) for n in (1, 2))) == ["int", "ValueError"]
    assert looks(lambda: same.submit([1, 2])) == ["int", "int"]


def single_values() -> list[Any]:
    import io

    import numpy
    import pandas
    import polars
    import pyarrow
    from pydantic import BaseModel

    class Model(BaseModel):
        a: int = 1
        b: int = 2

    columns = {"a": [1, 2], "b": [3, 4]}
    tables = [pandas.DataFrame(columns), polars.DataFrame(columns), pyarrow.table(columns)]
    return [*tables, Model(), io.StringIO("ab\ncd"), columns, "ab", b"ab", numpy.array(5)]


@pytest.mark.parametrize("value", single_values(), ids=lambda each: f"{type(each).__module__}.{type(each).__name__}")
def test_a_table_a_model_and_a_file_are_single_values(value: Any) -> None:
    @task
    def seen(number: int, other: Any) -> bool:
        return other is value

    assert in_flow(lambda: seen.map([1, 2], value).result()) == [True, True]


def test_columns_and_arrays_are_mapped_over() -> None:
    import numpy
    import pandas

    assert in_flow(lambda: same.map(pandas.Series([1, 2])).result()) == [1, 2]
    assert in_flow(lambda: same.map(numpy.arange(3)).result()) == [0, 1, 2]


# Waiting for runs without their values


@pytest.mark.parametrize(
    "wait_for",
    [
        lambda ok, bad: ok,
        lambda ok, bad: [ok],
        lambda ok, bad: [[ok], {"a": (ok, 3)}],
        lambda ok, bad: [1, "text", None],
        lambda ok, bad: allow_failure(bad),
        lambda ok, bad: [ok, allow_failure(bad)],
        lambda ok, bad: [allow_failure([[bad]])],
        lambda ok, bad: (each for each in (ok, 5)),
        lambda ok, bad: [Completed(), ok.wait()],
        lambda ok, bad: quote([bad]),
        lambda ok, bad: fails_on_two.map([1, 3]),
        lambda ok, bad: allow_failure(fails_on_two.map([1, 2])),
    ],
)
@pytest.mark.parametrize("kind", [task, flow])
def test_wait_for_takes_runs_in_any_form_and_values(wait_for: Any, kind: Any) -> None:
    called = kind(lambda: "ran")

    def waits() -> Any:
        ok, bad = same.submit(1), fails_on_two.submit(2)
        return called(wait_for=wait_for(ok, bad)), called.submit(wait_for=wait_for(ok, bad)).result()

    assert in_flow(waits) == ("ran", "ran")


@pytest.mark.parametrize("wait_for", [lambda bad: bad, lambda bad: [[bad]], lambda bad: [allow_failure(1), bad]])
def test_a_failure_that_is_waited_for_and_not_allowed_stops_the_call(wait_for: Any) -> None:
    def waits() -> str:
        with pytest.raises(UnfinishedRun):
            same(1, wait_for=wait_for(fails_on_two.submit(2)))
        return same.submit(1, wait_for=wait_for(fails_on_two.submit(2))).wait().name  # type: ignore[return-value]

    assert in_flow(waits) == "NotReady"


# Flows that are submitted


@flow
def child(number: int) -> int:
    return same.submit(number).result() * 10


@flow
async def achild(number: int) -> int:
    await asyncio.sleep(0)
    return number * 10


RUNNERS = [ThreadTaskRunner(max_workers=1), SequentialTaskRunner(), ProcessTaskRunner(max_workers=1)]


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda each: type(each).__name__)
def test_flows_are_submitted_and_mapped(runner: Any, known: Any) -> None:
    @flow(task_runner=runner)
    def parent() -> Any:
        return child.submit(1).result(), child.map([2, 3]).result(), achild.submit(4).result(), child(child.submit(1))

    assert parent() == (10, [20, 30], 40, 100)
    runs = known.flow_runs("child")
    assert {run.parent_flow_run_id for run in runs} == {known.flow_run("parent").id}
    assert {run.flow_run_id for run in known.task_runs("same")} == {run.id for run in runs}


def test_flows_are_submitted_in_coroutines() -> None:
    @flow
    async def parent() -> Any:
        mapped = achild.map([2, 3])
        return await achild.submit(1).result(), await mapped.result(), child.submit(4).result()

    assert asyncio.run(parent()) == (10, [20, 30], 40)


def test_flows_are_submitted_outside_flows() -> None:
    assert child.submit(1).result() == 10
    assert child.map([2, 3]).result() == [20, 30]


def test_submitted_flows_run_beside_each_other() -> None:
    together = threading.Barrier(2, timeout=20)

    @flow
    def meets(number: int) -> int:
        together.wait()
        return number

    assert in_flow(lambda: meets.map([1, 2]).result()) == [1, 2]


def test_a_submitted_flow_has_a_state_and_waits_for_its_inputs() -> None:
    def parent() -> Any:
        failed = flow(lambda: [][0]).submit()
        waits = child.submit(failed)
        return [failed.wait().name, type(waits.wait().result(raise_on_failure=False)).__name__]

    assert in_flow(parent) == ["Failed", "UpstreamTaskError"]
    assert in_flow(lambda: child.map([1], return_state=True)[0].name) == "Completed"


def test_a_flow_waits_for_the_flows_that_it_submitted(gate: Gate, known: Any) -> None:
    @flow
    def slow() -> int:
        return gate.task().fn(1)

    @flow
    def parent() -> str:
        slow.submit()
        threading.Timer(0.05, gate.opened.set).start()
        return "done"

    assert parent() == "done"
    assert known.flow_run("slow").state_name == "Completed"


def test_a_step_of_a_submitted_flow_is_reused_by_a_retry() -> None:
    calls: list[int] = []

    @flow
    def step(number: int) -> int:
        calls.append(number)
        return number

    @flow(retries=1)
    def tries() -> int:
        value = step.submit(1).result()
        if calls == [1] and not fails.append(1) and len(fails) == 1:
            raise ValueError
        return value

    fails: list[int] = []
    assert tries() == 1
    assert calls == [1]


def test_a_flow_with_an_idempotency_key_is_not_submitted() -> None:
    with pytest.raises(DefinitionError, match="has an idempotency key and was submitted"):
        flow(idempotency_key="key")(lambda: 1).submit()


# At the end of the process


@pytest.mark.slow
def test_what_is_submitted_outside_flows_is_waited_for_at_exit(start: Any) -> None:
    program = start(
        """
        import os
        import time
        from perdure import flow, task

        def say(text):
            os.write(1, f"{text}\\n".encode())  # whole lines, whatever other threads say

        @task
        def later(value, after=None):
            time.sleep(0.2)
            say(f"task {value}")
            return value

        @flow
        def flow_later():
            time.sleep(0.1)
            say("flow")

        later.submit(2, after=later.submit(1))
        flow_later.submit()
        later.map(n for n in (3, 4))
        say("main done")
        """
    )
    code, out, _ = program.end()

    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "main done"
    assert sorted(lines[1:]) == ["flow", "task 1", "task 2", "task 3", "task 4"]


# What is not theirs


@pytest.mark.parametrize(
    "waits",
    [
        lambda futures: concurrent.futures.wait(futures),
        lambda futures: concurrent.futures.wait(futures, return_when=concurrent.futures.FIRST_COMPLETED),
        lambda futures: list(concurrent.futures.as_completed(futures)),
        lambda futures: futures[0].add_done_callback(print),
    ],
)
def test_waiting_by_other_libraries_names_what_waits(waits: Any) -> None:
    with pytest.raises(AttributeError, match=r"perdure\.futures\.wait and perdure\.futures\.as_completed"):
        in_flow(lambda: waits([same.submit(1)]))
    with pytest.raises(AttributeError, match=r"perdure\.futures\.wait and perdure\.futures\.as_completed"):
        in_flow(lambda: waits(same.map([1, 2])))


def test_a_coroutine_tasks_future_names_what_waits_for_it() -> None:
    @task
    async def later() -> int:
        return 1

    @flow
    async def waits() -> None:
        await asyncio.wait([later.submit()])

    with pytest.raises(AttributeError, match=r"perdure\.futures\.wait"):
        asyncio.run(waits())


@pytest.mark.parametrize(
    ("name", "remedy"), [("done", "future.is_done"), ("exception", "raise_on_failure=False"), ("nothing", "nothing")]
)
def test_a_method_of_other_futures_is_answered_with_what_there_is(name: str, remedy: str) -> None:
    future = same.submit(1)
    with pytest.raises(AttributeError, match=remedy):
        getattr(future, name)
    assert not hasattr(future, name)
