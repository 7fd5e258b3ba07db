"""Single flight: of all runs that want one missing cache key at once, one computes its value."""

import asyncio
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from perdure import INPUTS, flow, session, task
from perdure._platform.ids import new_id
from perdure._run.process_identity import this_process
from perdure.records import Claim
from perdure.task_runners import ProcessTaskRunner, ThreadTaskRunner


def at_once(*calls: Any) -> list[Any]:
    """What the calls return, each made in a thread of its own; exceptions too."""

    def called(call: Any) -> Any:
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(called, calls))


def claims() -> Claim | None:
    return session.current().orchestrator.claim_of("key")


def test_threads_compute_a_key_once_and_the_others_are_cached() -> None:
    calls = []

    @task(cache_key_fn=lambda: "key")
    def slow() -> list[int]:
        calls.append(1)
        time.sleep(0.05)
        return [len(calls)]

    states = at_once(*[lambda: slow(return_state=True)] * 8)

    assert [state.result() for state in states] == [[1]] * 8
    assert Counter(state.name for state in states) == {"Completed": 1, "Cached": 7}
    assert claims() is None


def test_submitted_and_mapped_tasks_compute_a_key_once() -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def slow(x: int) -> int:
        calls.append(x)
        time.sleep(0.01)
        return x

    @flow(task_runner=ThreadTaskRunner(max_workers=4))
    def many() -> list[int]:
        return slow.map([1, 2, 1, 2, 1, 2, 1, 2]).result()

    assert many() == [1, 2] * 4
    assert sorted(calls) == [1, 2]


def test_coroutines_compute_a_key_once_on_one_loop() -> None:
    calls = []

    @task(cache_key_fn=lambda: "key")
    async def slow() -> list[int]:
        calls.append(1)
        await asyncio.sleep(0.05)
        return [1]

    @flow
    async def many() -> Any:
        ticks = asyncio.create_task(ticking())
        states = await asyncio.gather(*(slow(return_state=True) for _ in range(5)))
        assert await ticks >= 3  # the loop went on
        return sorted(state.name for state in states)

    async def ticking() -> int:
        for _ in range(3):
            await asyncio.sleep(0.005)
        return 3

    assert asyncio.run(many()) == ["Cached"] * 4 + ["Completed"]
    assert calls == [1]


def test_a_cancelled_coroutine_lets_go_of_its_key() -> None:
    @task(cache_key_fn=lambda: "key")
    async def slow(seconds: float) -> int:
        await asyncio.sleep(seconds)
        return 1

    async def cancelled() -> int:
        first = asyncio.create_task(slow(60))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(slow(0))
        await asyncio.sleep(0.05)
        first.cancel()
        return await second

    assert asyncio.run(cancelled()) == 1
    assert claims() is None


def test_plain_code_on_the_loop_of_who_computes_does_not_wait() -> None:
    calls = []

    @task(cache_key_fn=lambda: "key")
    async def slow(begun: asyncio.Event) -> str:
        begun.set()
        await asyncio.sleep(0.02)
        return "slow"

    @task(cache_key_fn=lambda: "key")
    def plain() -> str:
        calls.append(1)
        return "plain"

    async def both() -> Any:
        begun = asyncio.Event()
        first = asyncio.create_task(slow(begun))
        await begun.wait()
        return plain(), await first

    assert asyncio.run(both()) == ("plain", "slow")


def test_when_the_first_fails_one_of_the_others_computes() -> None:
    calls = []

    @task(cache_key_fn=lambda: "key")
    def fails_first() -> list[str]:
        calls.append(1)
        time.sleep(0.03)
        if len(calls) == 1:
            raise ValueError("first")
        return ["second"]

    outcomes = at_once(*[fails_first] * 6)

    assert Counter(map(str, outcomes)) == {"first": 1, "['second']": 5}
    assert len(calls) == 2


def test_the_others_wait_through_retries() -> None:
    calls = []

    @task(cache_key_fn=lambda: "key", retries=2, retry_delay_seconds=0.02)
    def fails_twice() -> list[int]:
        calls.append(1)
        time.sleep(0.01)
        if len(calls) < 3:
            raise ValueError
        return [3]

    assert at_once(*[fails_twice] * 4) == [[3]] * 4
    assert len(calls) == 3


def test_a_result_that_cannot_be_kept_lets_go_of_its_key() -> None:
    @task(cache_key_fn=lambda: "key", result_serializer="json")
    def bad() -> Any:
        return object()

    assert len({type(outcome) for outcome in at_once(bad, bad, bad)}) == 1
    assert claims() is None


def test_a_task_that_calls_itself_with_its_own_key_computes() -> None:
    depths = []

    @task(cache_key_fn=lambda: "key")
    def deep(n: int) -> list[int]:
        depths.append(n)
        return [n] if n == 0 else deep(n - 1)

    assert deep(3) == [0]
    assert depths == [3, 2, 1, 0]


def test_a_submitted_task_inside_a_task_with_its_key_computes() -> None:
    @task(cache_key_fn=lambda: "key")
    def inner() -> list[str]:
        return ["inner"]

    @task(cache_key_fn=lambda: "key")
    def outer() -> list[str]:
        return inner.submit().result()

    @flow(task_runner=ThreadTaskRunner(max_workers=1))
    def one() -> list[str]:
        return outer.submit().result()

    assert one() == ["inner"]


def test_tasks_that_want_each_others_keys_do_not_wait_for_ever() -> None:
    both = threading.Barrier(2)

    @task(cache_policy=INPUTS)
    def crossing(name: str, then: str | None) -> str:
        if then is not None:
            both.wait(60)
            crossing.with_options(cache_policy=INPUTS - "then")(then, None)
        return name

    first = crossing.with_options(cache_policy=INPUTS - "then")

    began = time.monotonic()
    assert at_once(lambda: first("a", "b"), lambda: first("b", "a")) == ["a", "b"]
    assert time.monotonic() - began < 60


def test_tasks_inside_different_tasks_compute_a_shared_key_once() -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def shared() -> list[int]:
        calls.append(1)
        time.sleep(0.05)
        return [1]

    @task(cache_policy=INPUTS)
    def outer(x: int) -> list[int]:
        return shared()

    assert at_once(*[lambda x=x: outer(x) for x in range(4)]) == [[1]] * 4
    assert calls == [1]


def test_a_generator_that_is_left_halfway_holds_nobody_up() -> None:
    @task(cache_key_fn=lambda: "key")
    def numbers() -> Any:
        yield from range(3)

    left = numbers()
    assert next(left) == 0
    assert list(numbers()) == [0, 1, 2]
    left.close()


def test_refreshing_does_not_wait() -> None:
    began, end = threading.Event(), threading.Event()

    @task(cache_key_fn=lambda: "key")
    def slow(wait: bool) -> str:
        if wait:
            began.set()
            assert end.wait(60)
        return "slow" if wait else "quick"

    thread = threading.Thread(target=slow, args=(True,))
    thread.start()
    began.wait(60)
    assert slow.with_options(refresh_cache=True)(False) == "quick"
    end.set()
    thread.join()


def test_a_hit_looks_at_no_claim() -> None:
    cached = task(cache_key_fn=lambda: "key")(lambda: 1)
    cached()
    orchestrator = session.current().orchestrator
    reported = Claim("key", new_id(), this_process().id, 0)
    assert not orchestrator.claim_key(reported)  # it is there
    orchestrator.claim_key(reported._replace(key="other"))

    assert cached() == 1


def test_a_claim_of_a_process_that_is_gone_is_taken_over() -> None:
    gone = this_process()._replace(began="long ago")
    orchestrator = session.current().orchestrator
    orchestrator.commit([gone])
    orchestrator.claim_key(Claim("key", new_id(), gone.id, 0))

    assert task(cache_key_fn=lambda: "key")(lambda: [1])() == [1]
    assert claims() is None


def test_waiting_for_another_process_is_shown_and_ends_with_it(known: Any) -> None:
    other = this_process()
    orchestrator = session.current().orchestrator
    orchestrator.commit([other])
    held = Claim("key", new_id(), other.id, 0)
    orchestrator.claim_key(held)
    timer = threading.Timer(0.25, lambda: orchestrator.take_over_key(held, held._replace(process_id=new_id())))
    timer.start()
    began = time.monotonic()

    assert task(name="waits", cache_key_fn=lambda: "key")(lambda: [1])() == [1]
    assert time.monotonic() - began > 0.2
    (line,) = known.lines(task_run_id=known.task_run("waits").id)
    assert line.message == f"The task run {held.run_id} in another process computes the same cache key; waiting for it."


def slow_in_process(x: int) -> int:
    time.sleep(0.05)
    return threading.get_native_id()


@pytest.mark.slow
def test_the_processes_of_a_task_runner_compute_a_key_once() -> None:
    slow = task(cache_policy=INPUTS)(slow_in_process)

    @flow(task_runner=ProcessTaskRunner(max_workers=3))
    def many() -> Any:
        return slow.map([1] * 6).result()

    assert len(set(many())) == 1


WORKER = """
    import random, time
    from pathlib import Path
    from perdure import INPUTS, task

    log = Path({log!r})

    @task(cache_policy=INPUTS)
    def slow(x):
        with log.open("a") as file:
            file.write(f"{{x}}\\n")
        time.sleep({seconds})
        return [x]

    Path("ready").touch()
    while not Path({go!r}).exists():
        time.sleep(0.005)
    keys = list(range({keys}))
    random.shuffle(keys)
    assert [slow(x) for x in keys] == [[x] for x in keys]
"""


@pytest.mark.slow
def test_processes_compute_each_key_once(start: Any, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    programs = [start(WORKER.format(log=str(log), seconds=0.02, go=str(go), keys=20)) for _ in range(8)]
    go.touch()

    assert [program.end()[0] for program in programs] == [0] * 8
    assert Counter(log.read_text().split()) == {str(x): 1 for x in range(20)}


@pytest.mark.slow
def test_sixteen_processes_that_want_one_key_at_once_compute_it_once(start: Any, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    programs = [start(WORKER.format(log=str(log), seconds=0.2, go=str(go), keys=1)) for _ in range(16)]
    for program in programs:
        program.wait_until_ready()
    go.touch()

    assert [program.end()[0] for program in programs] == [0] * 16
    assert log.read_text().split() == ["0"]


@pytest.mark.slow
def test_when_the_process_that_computes_is_killed_one_of_fifteen_others_computes(start: Any, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    go.touch()
    first = start(WORKER.format(log=str(log), seconds=60, go=str(go), keys=1))
    while not log.exists():
        time.sleep(0.01)
    others = [start(WORKER.format(log=str(log), seconds=0.05, go=str(go), keys=1)) for _ in range(15)]
    for other in others:
        other.wait_until_ready()
    time.sleep(0.5)
    assert log.read_text().split() == ["0"]

    first.signal(signal.SIGKILL)
    first.process.wait()

    assert [other.end()[0] for other in others] == [0] * 15
    assert log.read_text().split() == ["0", "0"]
