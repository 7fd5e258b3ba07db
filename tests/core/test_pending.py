"""Runs that are waited for: from threads and event loops, with and without a time limit."""

import asyncio
import threading

import pytest

from perdure._run.pending import Pending, when_all_done
from perdure.states import Completed


def test_a_callback_is_called_once_the_run_has_arrived_or_at_once() -> None:
    run = Pending("id")
    called = []
    run.when_done(lambda: called.append("before"))
    assert called == []

    run.arrive(Completed())
    run.when_done(lambda: called.append("after"))

    assert called == ["before", "after"]


def test_blocking_ends_when_the_time_is_up() -> None:
    assert Pending("id").block(0.01) is False


def test_blocking_ends_when_the_run_arrives() -> None:
    run = Pending("id")
    threading.Timer(0.01, lambda: run.arrive(Completed())).start()

    assert run.block(5) is True


def test_many_threads_may_wait_for_one_run() -> None:
    run = Pending("id")
    arrived: list[bool] = []
    threads = [threading.Thread(target=lambda: arrived.append(run.block(5))) for _ in range(8)]
    for thread in threads:
        thread.start()
    run.arrive(Completed())
    for thread in threads:
        thread.join()

    assert arrived == [True] * 8


def test_a_loop_waits_without_being_blocked() -> None:
    async def main() -> int:
        run = Pending("id")
        threading.Timer(0.01, lambda: run.arrive(Completed())).start()
        ticks = 0
        waiting = asyncio.create_task(run.ablock())
        while not waiting.done():
            ticks += 1
            await asyncio.sleep(0)
        return ticks

    assert asyncio.run(main()) > 1


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_callback_for_all_is_called_once(count: int) -> None:
    runs = [Pending(str(i)) for i in range(count)]
    called: list[int] = []
    when_all_done(runs, lambda: called.append(1))

    for run in runs:
        assert called == []
        run.arrive(Completed())

    assert called == [1]
