"""Async flows and tasks: what is awaited, and what `State.result()` gives in async code."""

import asyncio
import threading
import time
import warnings
from collections.abc import Coroutine
from typing import Any

import pytest

from perdure import AsyncFuture, Future, flow, settings, task
from perdure.errors import WouldDeadlock
from perdure.results import UnpersistedResult


@task
def one() -> int:
    return 1


@task
async def aone() -> int:
    return 1


@task
async def adouble(x: int) -> int:
    await asyncio.sleep(0)
    return 2 * x


@task
def fail() -> None:
    raise ValueError("x")


def run(function: Any) -> Any:
    """Run a coroutine function as an async flow."""
    return asyncio.run(flow(function)())


def test_an_async_flow_is_awaited() -> None:
    @flow
    async def greets(name: str) -> str:
        return f"hello {name}"

    assert asyncio.run(greets("you")) == "hello you"


def test_without_a_choice_async_code_gets_the_raw_result_and_a_warning() -> None:
    async def asks() -> Any:
        state = one(return_state=True)
        with pytest.warns(DeprecationWarning, match="fetch=True"):
            return type(state.result())

    assert run(asks) is UnpersistedResult


def test_without_a_choice_a_failure_is_not_raised_in_async_code() -> None:
    async def asks() -> Any:
        with pytest.warns(DeprecationWarning, match="raw result"):
            raw: Any = fail(return_state=True).result()
        return type(raw.get())

    assert run(asks) is ValueError


def test_fetch_true_is_awaited_and_raises() -> None:
    async def asks() -> Any:
        with pytest.raises(ValueError, match="x"):
            await fail(return_state=True).result(fetch=True)
        return await one(return_state=True).result(fetch=True)

    assert run(asks) == 1


def test_fetch_true_can_be_asked_not_to_raise() -> None:
    async def asks() -> Any:
        return type(await fail(return_state=True).result(raise_on_failure=False, fetch=True))

    assert run(asks) is ValueError


def test_fetch_false_gives_the_raw_result_without_a_warning() -> None:
    async def asks() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return type(one(return_state=True).result(fetch=False))

    assert run(asks) is UnpersistedResult


def test_fetch_false_gives_the_raw_result_in_sync_code_too() -> None:
    raw: Any = one(return_state=True).result(fetch=False)

    assert raw.get() == 1


def test_the_setting_makes_fetching_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_ASYNC_FETCH_STATE_RESULT", "true")
    settings.reload()

    async def asks() -> Any:
        fetched: Any = one(return_state=True).result()
        return await fetched

    assert run(asks) == 1


def test_async_tasks_called_in_a_sync_flow_need_no_await() -> None:
    @flow
    def calls() -> Any:
        return aone(), adouble.submit(4).result()

    assert calls() == (1, 8)


def test_async_subflows_called_in_a_sync_flow_need_no_await() -> None:
    @flow
    async def child(x: int) -> int:
        return await adouble(x)

    @flow
    def parent() -> Any:
        return child(2), child(3, return_state=True).result()

    assert parent() == (4, 6)


def test_an_async_task_outside_all_runs_is_awaited() -> None:
    assert asyncio.run(adouble(5)) == 10


def test_an_async_call_in_a_sync_task_needs_no_await() -> None:
    @task
    def calls() -> Any:
        return adouble(5)

    assert calls() == 10


def test_futures_of_sync_tasks_are_not_awaited_in_async_flows() -> None:
    async def submits() -> Any:
        future = one.submit()
        return isinstance(future, Future), future.result()

    assert run(submits) == (True, 1)


def test_futures_of_async_tasks_are_awaited_in_async_flows() -> None:
    async def submits() -> Any:
        future = adouble.submit(2)
        return isinstance(future, AsyncFuture), await future.result()

    assert run(submits) == (True, 4)


def test_awaiting_submit_gives_the_future_as_well() -> None:
    async def submits() -> Any:
        future = await adouble.submit(2)
        return await future.result()

    assert run(submits) == 4


def test_submit_with_return_state_is_awaited() -> None:
    async def submits() -> Any:
        state = await adouble.submit(2, return_state=True)
        return await state.result(fetch=True)

    assert run(submits) == 4


def test_submitted_coroutines_run_at_the_same_time_in_the_callers_loop() -> None:
    threads = set()
    together = 0

    async def flow_function() -> int:
        barrier = asyncio.Barrier(5)

        @task
        async def meets() -> None:
            nonlocal together
            threads.add(threading.get_ident())
            await asyncio.wait_for(barrier.wait(), 5)
            together += 1

        for future in [meets.submit() for _ in range(5)]:
            await future.result()
        return together

    assert run(flow_function) == 5
    assert threads == {threading.get_ident()}


def test_gathered_tasks_run_at_the_same_time() -> None:
    async def gathers() -> Any:
        return await asyncio.gather(*[adouble(i) for i in range(10)])

    assert run(gathers) == [2 * i for i in range(10)]


def test_an_async_future_as_an_argument_is_waited_for() -> None:
    async def chains() -> Any:
        first = adouble.submit(1)
        return await adouble.submit(first).result(), await adouble(first)

    assert run(chains) == (4, 4)


def test_a_sync_task_that_would_block_the_loop_its_input_runs_on_is_refused() -> None:
    @task
    def same(x: Any) -> Any:
        return x

    async def blocks() -> Any:
        future = adouble.submit(1)
        with pytest.raises(WouldDeadlock, match=r"await future\.wait\(\)"):
            same(future)
        await future.wait()
        return same(future)

    assert run(blocks) == 2


def test_a_submitted_sync_task_waits_for_a_coroutine_of_the_loop() -> None:
    @task
    def same(x: Any) -> Any:
        return x

    async def submits() -> Any:
        future = same.submit(adouble.submit(3))
        await asyncio.to_thread(future.wait)
        return future.result()

    assert run(submits) == 6


def test_mapped_coroutines_are_awaited() -> None:
    async def maps() -> Any:
        return await adouble.map([1, 2, 3]).result()

    assert run(maps) == [2, 4, 6]


def test_what_an_async_flow_submitted_and_did_not_await_is_waited_for() -> None:
    finished = []

    @task
    async def slow() -> None:
        await asyncio.sleep(0.01)
        finished.append(1)

    async def forgets() -> None:
        slow.submit()

    run(forgets)

    assert finished == [1]


def test_sync_in_async_in_sync_nests_to_any_depth() -> None:
    @flow
    def bottom(x: int) -> int:
        return adouble(x) + one()

    @flow
    async def middle(x: int) -> int:
        return bottom(x) + await adouble(x)

    @flow
    def top(x: int) -> int:
        return middle(x) + middle(x)

    @flow
    async def outermost(x: int) -> int:
        return top(x)

    assert top(1) == 10
    assert asyncio.run(outermost(1)) == 10


def test_root_flows_run_at_the_same_time_in_one_loop(known: Any) -> None:
    @flow
    async def twice(x: int) -> Any:
        await asyncio.sleep(0)
        return await adouble(await adouble(x))

    async def main() -> Any:
        return await asyncio.gather(*[twice(i) for i in range(20)])

    assert asyncio.run(main()) == [4 * i for i in range(20)]
    of = [run.flow_run_id for run in known.task_runs()]
    assert sorted(map(str, of)) == sorted(run.id for run in known.flow_runs() for _ in range(2))


def test_a_loop_continues_while_a_result_is_written() -> None:
    ticks = 0

    @task(persist_result=True)
    async def value() -> bytes:
        return b"x" * 2_000_000

    async def ticking() -> int:
        nonlocal ticks

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        await value()
        ticker.cancel()
        return ticks

    assert run(ticking) > 2


def test_a_cancelled_async_flow_is_crashed_in_the_database(known: Any) -> None:
    @flow
    async def sleeps() -> None:
        await asyncio.sleep(30)

    async def main() -> None:
        running = asyncio.create_task(sleeps())
        await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())

    assert known.flow_run("sleeps").state_type in ("CRASHED", "CANCELLED")


def test_the_tasks_of_a_cancelled_async_flow_end_too(known: Any) -> None:
    begun: list[int] = []

    @task
    async def long() -> None:
        begun.append(1)
        await asyncio.sleep(30)

    @flow
    async def sleeps() -> None:
        long.submit()
        await long()

    async def main() -> None:
        running = asyncio.create_task(sleeps())
        while len(begun) < 2:
            await asyncio.sleep(0.001)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    began = time.monotonic()
    asyncio.run(main())

    assert time.monotonic() - began < 25  # they would sleep for 30
    assert {run.state_type for run in known.task_runs()} <= {"CRASHED", "CANCELLED"}
    assert len(known.task_runs()) == 2


def test_a_coroutine_that_is_never_awaited_leaves_no_run(known: Any) -> None:
    @flow
    async def forgotten() -> None: ...

    async def main() -> None:
        coroutine: Coroutine[Any, Any, None] = forgotten()
        coroutine.close()

    asyncio.run(main())

    assert known.flow_runs() == []


def test_context_variables_of_the_caller_are_seen_in_async_tasks() -> None:
    from contextvars import ContextVar

    variable: ContextVar[str] = ContextVar("variable")

    @task
    async def reads() -> str:
        return variable.get()

    async def sets() -> Any:
        variable.set("mine")
        return await reads(), await reads.submit().result()

    assert run(sets) == ("mine", "mine")


def test_what_a_stopped_async_flow_submitted_and_had_not_begun_is_cancelled(known: Any) -> None:
    class Stop(BaseException):
        pass

    @flow
    async def stops() -> None:
        adouble.submit(1)
        raise Stop

    async def main() -> None:
        with pytest.raises(Stop):
            await stops()

    asyncio.run(asyncio.wait_for(main(), 5))

    assert known.task_run("adouble").state_name == "Cancelled"


def test_a_task_group_cancels_the_siblings_of_a_failed_task(known: Any) -> None:
    @task
    async def fails() -> None:
        raise ValueError("x")

    @task
    async def long() -> None:
        await asyncio.sleep(30)

    @flow
    async def groups() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            group.create_task(long())

    async def main() -> None:
        with pytest.raises(ExceptionGroup):
            await groups()

    asyncio.run(main())

    assert known.task_run("long").state_name == "Crashed"


def test_no_more_than_a_window_of_a_generator_is_taken_ahead_on_a_loop() -> None:
    taken = 0
    ahead = []

    def numbers() -> Any:
        nonlocal taken
        for i in range(2_500):
            taken += 1
            yield i

    @task
    async def notes(i: int) -> int:
        ahead.append(taken - i)
        return i

    async def maps() -> Any:
        return sum(await notes.map(numbers()).result())

    assert run(maps) == sum(range(2_500))
    assert max(ahead) <= 1_001


def test_sync_tasks_are_mapped_on_threads_and_give_values() -> None:
    @task
    def same(x: int) -> int:
        return x

    async def maps() -> Any:
        return same.map(range(50)).result()

    assert run(maps) == list(range(50))


def test_a_limit_of_one_does_not_keep_a_coroutine_from_what_it_submits() -> None:
    from perdure.task_runners import ThreadTaskRunner

    @task
    async def outer(x: int) -> int:
        return await adouble.submit(x).result()

    @flow(task_runner=ThreadTaskRunner(1))
    async def submits() -> Any:
        return [await future.result() for future in [outer.submit(i) for i in range(3)]]

    assert asyncio.run(asyncio.wait_for(submits(), 5)) == [0, 2, 4]


def test_waiting_for_a_coroutine_can_have_a_time_limit() -> None:
    @task
    async def slow() -> None:
        await asyncio.sleep(0.05)

    async def waits() -> Any:
        future = slow.submit()
        with pytest.raises(TimeoutError):
            await future.result(timeout=0.001)
        return await future.wait(timeout=0.001), future.is_done

    assert run(waits) == (None, False)


def test_many_maps_at_once_whose_tasks_persist_do_not_use_up_the_threads_of_the_loop() -> None:
    @task(persist_result=True)
    async def kept(x: int) -> int:
        return x

    async def maps() -> Any:
        return await asyncio.gather(*(kept.map([1, 2, 3]).result() for _ in range(40)))

    assert run(maps) == [[1, 2, 3]] * 40


def test_a_forgotten_await_is_named_where_the_coroutine_is_used() -> None:
    forgotten = []

    @task
    def same(x: Any) -> Any:
        return x

    async def passes_it_on() -> Any:
        forgotten.append(adouble(1))
        return same(forgotten[-1])

    async def returns_it() -> Any:
        forgotten.append(adouble(1))
        return forgotten[-1:]

    for function in (passes_it_on, returns_it):
        with pytest.raises(TypeError, match=r"adouble\(\.\.\.\) was not awaited\. Write `await`"):
            run(function)
    for coroutine in forgotten:
        coroutine.close()  # else Python warns that nobody awaited it


@task
async def adds_one(number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


@flow
async def adds_two(number: int) -> int:
    return await adds_one(await adds_one(number))


def test_coroutines_on_a_loop_of_a_plain_flows_own_await_tasks_and_flows() -> None:
    async def main() -> list[int]:
        future = adds_one.submit(5)
        return [*await asyncio.gather(adds_one(1), adds_two(1)), await future.result()]

    @flow
    def plain() -> list[int]:
        return asyncio.run(main())

    assert plain() == [2, 3, 6]


def test_a_plain_flow_gets_values_before_and_after_its_own_loop() -> None:
    async def main() -> int:
        return await adds_one(1)

    @flow
    def plain() -> list[Any]:
        return [adds_one(0), asyncio.run(main()), adds_two(1)]

    assert plain() == [1, 2, 3]


def test_a_plain_task_on_a_coroutine_flows_loop_gets_values() -> None:
    @task
    def plain() -> Any:
        return adds_one(1)

    @flow
    async def calls() -> Any:
        return plain()

    assert asyncio.run(calls()) == 2


def test_a_plain_tasks_mapped_values_are_there_without_await_in_a_coroutine_flow() -> None:
    @task
    def doubles(number: int) -> int:
        return 2 * number

    @flow
    async def maps() -> list[int]:
        return doubles.submit(1).result(), doubles.map([1, 2]).result(), doubles.map(iter([3])).result()

    assert asyncio.run(maps()) == (2, [2, 4], [6])
