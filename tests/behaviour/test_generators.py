"""Generators as tasks and flows: they hand their items on as they come."""

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, task
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.errors import MissingResult
from perdure.records import RunFilter
from tests import prepared


@task
def count(to: int) -> Iterator[int]:
    yield from range(to)


@task
async def acount(to: int) -> AsyncIterator[int]:
    for i in range(to):
        await asyncio.sleep(0)
        yield i


def test_a_task_that_yields_hands_on_its_items() -> None:
    assert list(count(3)) == [0, 1, 2]


def test_items_come_one_by_one() -> None:
    made = []

    @task
    def makes() -> Iterator[int]:
        for i in range(3):
            made.append(i)
            yield i

    items = makes()
    assert made == []
    assert next(items) == 0
    assert made == [0]


def test_a_flow_can_be_a_generator(known: Any) -> None:
    @flow
    def yields() -> Iterator[int]:
        for i in count(3):
            yield i * 10

    assert list(yields()) == [0, 10, 20]
    assert known.flow_run("yields").state_name == "Completed"
    assert known.task_run("count").flow_run_id == known.flow_run("yields").id


def test_an_async_generator_is_iterated_with_async_for() -> None:
    @flow
    async def sums() -> int:
        return sum([i async for i in acount(4)])

    assert asyncio.run(sums()) == 6


def test_an_async_generator_is_iterated_plainly_in_a_sync_flow() -> None:
    @flow
    def sums() -> int:
        items: Any = acount(4)
        return sum(items)

    assert sums() == 6


def test_an_async_flow_can_be_a_generator(known: Any) -> None:
    @flow
    async def yields() -> AsyncIterator[int]:
        async for i in acount(3):
            yield i * 10

    async def main() -> list[int]:
        return [i async for i in yields()]

    assert asyncio.run(main()) == [0, 10, 20]
    assert known.flow_run("yields").state_name == "Completed"


def test_with_return_state_the_result_is_the_list_of_items() -> None:
    assert count(3, return_state=True).result() == [0, 1, 2]


def test_a_submitted_generators_result_is_the_list_of_items() -> None:
    @flow
    def submits() -> Any:
        return count.submit(2).result(), acount.submit(2).result()

    assert submits() == ([0, 1], [0, 1])


def test_a_failure_comes_after_the_items_before_it() -> None:
    @task
    def breaks() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    got = []
    with pytest.raises(ValueError, match="broken"):
        got += [got.append(i) for i in breaks()]
    assert got == [1]


def test_a_retry_passes_over_the_items_that_were_handed_on() -> None:
    attempts = 0

    @task(retries=1)
    def breaks_once() -> Iterator[int]:
        nonlocal attempts
        attempts += 1
        yield 1
        yield 2
        if attempts == 1:
            raise ValueError("once")
        yield 3

    assert list(breaks_once()) == [1, 2, 3]
    assert attempts == 2


def test_leaving_early_closes_the_generator_and_completes_the_run(known: Any) -> None:
    closed = []

    @task
    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    @flow
    def takes_one() -> Any:
        items = endless()
        first = next(items)
        items.close()  # type: ignore[attr-defined]
        return first

    assert takes_one() == 1
    assert closed == [True]
    assert known.task_run("endless").state_name == "Completed"


def test_leaving_an_async_generator_early_closes_it_too(known: Any) -> None:
    closed = []

    @task
    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    @flow
    async def takes_one() -> Any:
        items: Any = endless()
        first = await anext(items)
        await items.aclose()
        return first, list(closed)

    assert asyncio.run(takes_one()) == (1, [True])
    assert known.task_run("endless").state_name == "Completed"


def test_leaving_a_generator_flow_early_ends_what_it_submitted(known: Any) -> None:
    @flow
    def endless() -> Iterator[int]:
        while True:
            yield count.submit(2).result()[1]

    items = endless()
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined]

    assert known.flow_run("endless").state_name == "Completed"


LEFT = """
from perdure import task

@task
def count():
    try:
        yield from range(3)
    finally:
        print("closed")

items = count()
next(items)
print("leaving")
"""


def test_a_generator_outside_of_flows_that_was_left_in_the_middle_ends_with_the_process(home: Path) -> None:
    left = prepared.run("-c", LEFT, env={**os.environ, "PERDURE_HOME": str(home / "left")})

    assert (left.stdout.split(), left.stderr) == (["leaving", "closed"], "")
    with closing(EmbeddedOrchestrator(home / "left" / "perdure.db")) as orchestrator:
        assert [run.state_name for run in orchestrator.task_runs(RunFilter())] == ["Completed"]


def test_items_of_a_persisted_generator_are_its_result() -> None:
    @task(persist_result=True)
    def kept() -> Iterator[int]:
        yield 1
        yield 2

    @flow
    def iterates() -> None:
        list(kept())

    result: Any = iterates()

    assert result[0].result() == [1, 2]


def test_items_that_were_handed_on_are_not_kept_in_memory() -> None:
    @flow
    def iterates() -> None:
        list(count(3))

    result: Any = iterates()

    with pytest.raises(MissingResult):
        result[0].result()


def test_a_cached_generator_hands_on_the_same_items_without_running() -> None:
    runs = []

    @task(cache_key_fn=lambda: "items")
    def cached() -> Iterator[int]:
        runs.append(1)
        yield 1
        yield 2

    assert list(cached()) == [1, 2]
    assert list(cached()) == [1, 2]
    assert runs == [1]


def test_a_part_of_the_items_is_never_cached() -> None:
    @task(cache_key_fn=lambda: "items")
    def cached() -> Iterator[int]:
        yield 1
        yield 2

    items = cached()
    next(items)
    items.close()  # type: ignore[attr-defined]

    assert list(cached()) == [1, 2]


def test_a_flows_retry_reuses_a_generators_items() -> None:
    runs = []
    attempts = []

    @task
    def items() -> Iterator[int]:
        runs.append(1)
        yield 1
        yield 2

    @flow(retries=1)
    def retried() -> Any:
        found = list(items())
        attempts.append(found)
        if len(attempts) == 1:
            raise ValueError("once")
        return found

    assert retried() == [1, 2]
    assert len(runs) == 1


def test_a_flows_retry_reuses_an_async_generators_items() -> None:
    runs = []

    @task
    async def items() -> AsyncIterator[int]:
        runs.append(1)
        yield 1
        yield 2

    attempts = []

    @flow(retries=1)
    async def retried() -> Any:
        found = [i async for i in items()]
        attempts.append(found)
        if len(attempts) == 1:
            raise ValueError("once")
        return found

    assert asyncio.run(retried()) == [1, 2]
    assert len(runs) == 1


def test_tasks_called_inside_a_generator_belong_to_it(known: Any) -> None:
    @flow
    def yields() -> Iterator[int]:
        yield from count(1)
        yield from count(1)

    for _ in yields():
        assert list(count(1)) == [0]

    flow_run = known.flow_run("yields").id
    assert [run.flow_run_id for run in known.task_runs("count")].count(flow_run) == 2
    assert [run.flow_run_id for run in known.task_runs("count")].count(None) == 2


def test_a_generators_timeout_holds_for_each_item() -> None:
    import time

    @task(timeout_seconds=0.05)
    def slow() -> Iterator[int]:
        yield 1
        time.sleep(5)
        yield 2

    got = []
    with pytest.raises(TimeoutError):
        got += [got.append(i) for i in slow()]
    assert got == [1]


def test_a_generator_that_was_left_in_the_middle_ends_with_its_flow(known: Any) -> None:
    held = []

    @flow
    def leaves() -> int:
        items = count(3)
        held.append(items)
        return next(items)

    @flow
    async def aleaves() -> int:
        items = acount(3)
        held.append(items)
        return await anext(items)

    assert leaves() == 0
    assert asyncio.run(aleaves()) == 0
    assert [run.state_name for run in known.task_runs("count") + known.task_runs("acount")] == ["Completed"] * 2


@task
def echoes(to: int = 2) -> Generator[Any, Any, str]:
    got: Any = "ready"
    for _ in range(to):
        try:
            got = yield got
        except KeyError as error:
            got = f"caught {error.args[0]}"
    return f"last {got}"


@task
async def aechoes(to: int = 2) -> AsyncIterator[Any]:
    got: Any = "ready"
    for _ in range(to):
        try:
            got = yield got
        except KeyError as error:
            got = f"caught {error.args[0]}"


def conversation(generator: Any) -> list[Any]:
    """What a generator answers to being sent, and thrown, something; its return value comes last."""
    said = [next(generator), generator.send("a"), generator.throw(KeyError("b"))]
    try:
        said.append(generator.send("c"))
    except StopIteration as end:
        said.append(end.value)
    return said


EXPECTED = ["ready", "a", "caught b", "last c"]


def test_what_is_sent_and_thrown_reaches_a_generator_task() -> None:
    assert conversation(echoes(3)) == conversation(echoes.fn(3)) == EXPECTED


def test_what_is_sent_and_thrown_reaches_a_generator_flow() -> None:
    assert conversation(flow(echoes.fn)(3)) == EXPECTED


def test_what_is_sent_and_thrown_reaches_a_persisted_generator_in_a_flow() -> None:
    @flow(retries=1)
    def talks() -> list[Any]:
        return conversation(echoes(3))

    assert talks() == EXPECTED


def test_what_is_sent_and_thrown_reaches_an_async_generator() -> None:
    @flow
    async def talks() -> list[Any]:
        generator: Any = aechoes(3)
        said = [await anext(generator), await generator.asend("a"), await generator.athrow(KeyError("b"))]
        with pytest.raises(StopAsyncIteration):
            await generator.asend("c")
        return said

    assert asyncio.run(talks()) == EXPECTED[:3]


def test_a_generators_return_value_is_that_of_yield_from() -> None:
    def delegates() -> Generator[Any, Any, str]:
        return (yield from echoes(1))

    generator = delegates()
    assert next(generator) == "ready"
    with pytest.raises(StopIteration, match="last hello"):
        generator.send("hello")


def test_what_is_thrown_and_not_caught_fails_the_run_and_is_raised(known: Any) -> None:
    thrown = ValueError("no")
    generator: Any = echoes()
    next(generator)

    with pytest.raises(ValueError, match="no") as raised:
        generator.throw(thrown)

    assert raised.value is thrown
    assert known.task_run("echoes").state_name == "Failed"


@pytest.mark.parametrize("serializer", ["pickle", "json"])
def test_a_cached_generator_returns_the_same_value(serializer: str) -> None:
    @task(cache_key_fn=lambda: "key", result_serializer=serializer)
    def counts() -> Generator[int, None, str]:
        yield 1
        return "two"

    def consume() -> Iterator[int]:
        returned.append((yield from counts()))

    returned: list[str] = []
    assert [list(consume()) for _ in range(2)] == [[1], [1]]
    assert returned == ["two", "two"]
    assert counts(return_state=True).result() == [1]


def test_a_flows_retry_has_a_generators_return_value_again() -> None:
    runs: list[int] = []
    attempts: list[Any] = []

    @task
    def counts() -> Generator[int, None, int]:
        runs.append(1)
        yield 1
        return 7

    def consume() -> Iterator[int]:
        attempts.append((yield from counts()))

    @flow(retries=1)
    def tries() -> int:
        list(consume())
        if len(attempts) == 1:
            raise ValueError
        return len(attempts)

    assert tries() == 2
    assert (attempts, runs) == ([7, 7], [1])


def test_a_retry_is_sent_again_what_was_answered_to_the_items_it_passes_over() -> None:
    attempts: list[list[Any]] = []

    @task(retries=1)
    def listens() -> Generator[int, Any, None]:
        heard: list[Any] = []
        attempts.append(heard)
        for number in range(3):
            heard.append((yield number))
            if number == 1 and len(attempts) == 1:
                raise ValueError

    generator: Any = listens()
    next(generator)
    assert [generator.send("a"), generator.send("b")] == [1, 2]
    generator.close()

    assert attempts == [["a", "b"], ["a", "b"]]
