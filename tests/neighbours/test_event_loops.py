"""trio and uvloop in the same process."""

import asyncio
from typing import Any

import pytest
import trio

from perdure import flow, task
from perdure.errors import UnsupportedConcurrency
from perdure.records import RunFilter
from perdure.session import current


@task
def double(number: int) -> int:
    return number * 2


@task
async def later(number: int) -> int:
    await asyncio.sleep(0)
    return number


@flow
def plain() -> list[int]:
    return [double(1), double.submit(2).result(), later(3)]


@flow
async def awaited() -> list[int]:
    return [await later(1), await later.submit(2).result(), double(3)]


def on_trio(call: Any) -> Any:
    """What a call gives inside trio.run, awaited if it is a coroutine."""

    async def main() -> Any:
        given = call()
        return await given if asyncio.iscoroutine(given) else given

    return trio.run(main)


@pytest.mark.parametrize(
    "call",
    [awaited, lambda: later(1), lambda: later.submit(1), lambda: later.map([1])],
)
def test_coroutine_tasks_and_flows_on_trio_say_how_to_call_them(call: Any) -> None:
    with pytest.raises(UnsupportedConcurrency, match=r"trio\.to_thread\.run_sync\(lambda: asyncio\.run"):
        on_trio(call)


def test_what_is_refused_on_trio_is_no_run() -> None:
    with pytest.raises(UnsupportedConcurrency):
        on_trio(lambda: later.submit(1))
    assert not current().orchestrator.task_runs(RunFilter())


def test_plain_tasks_and_flows_run_on_trio_and_in_its_threads() -> None:
    assert on_trio(lambda: double(4)) == 8
    assert on_trio(lambda: [double.submit(5).result(), *double.map([6]).result()]) == [10, 12]
    assert on_trio(lambda: trio_thread(plain)) == [2, 4, 3]


def test_coroutine_flows_run_beside_trio_in_its_threads() -> None:
    assert on_trio(lambda: trio_thread(lambda: asyncio.run(awaited()))) == [1, 2, 6]


def test_a_plain_flow_may_run_trio_and_call_coroutine_flows_in_its_threads() -> None:
    assert flow(lambda: [on_trio(lambda: trio_thread(awaited))])()[0] == [1, 2, 6]


def test_coroutine_tasks_on_trio_in_a_plain_flow_are_refused_too() -> None:
    with pytest.raises(UnsupportedConcurrency):
        flow(lambda: on_trio(lambda: later(1)))()


def trio_thread(function: Any) -> Any:
    async def run() -> Any:
        return await trio.to_thread.run_sync(function)

    return run()


def test_flows_run_on_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop has no wheel for this Python or system")

    async def main() -> list[Any]:
        return [await awaited(), plain()]

    assert uvloop.run(main()) == [[1, 2, 6], [2, 4, 3]]
