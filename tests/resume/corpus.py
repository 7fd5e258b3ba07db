"""Flows of every kind, each with its outcome, whose executions are noted: what is to survive any crash.

Each is run by `python -m tests.resume.corpus NAME` too, so that a process can be killed while it does.
"""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from perdure import flow, pause_flow_run, runtime, settings, sleep, tags, task, task_input_hash, transaction
from perdure.errors import PauseTimeout
from perdure.flows import Flow
from perdure.states import Cancelled, StateType
from perdure.task_runners import ProcessTaskRunner, SequentialTaskRunner, ThreadTaskRunner
from perdure.testing.crashes import outcome_of
from perdure.testing.invariants import Ledger

S = StateType
LARGE = 200_000  # bytes: more than a document holds


def ledger() -> Ledger:
    """Of the home: one for all processes that use it."""
    return Ledger(Path(settings.current().home) / "ledger")


def ran(what: str, item: int | None = None) -> int:
    """Note that a task executes, or makes an item that is not to be made again; how many times it did before."""
    return ledger().note(what, item)


def note_end(flow: Any, run: Any, state: Any) -> None:
    ledger().write(f"hook {state.type}", str(run.id))


class Case(NamedTuple):
    flow: "Flow[..., Any]"
    outcome: Any  # its value, or the text of its exception
    state: StateType = S.COMPLETED
    is_slow: bool = False  # starts processes, for example
    has_retries: bool = False  # of flows: what failed is run again then

    def call(self) -> Any:
        """Run the flow; its value, or the items of a generator."""
        return outcome_of(self.flow)


CASES: dict[str, Case] = {}


def case(
    outcome: Any, state: StateType = S.COMPLETED, is_slow: bool = False, has_retries: bool = False, **options: Any
) -> "Callable[[Callable[[], Any]], Flow[[], Any]]":
    """Make a function a durable flow of the corpus."""

    def make(function: Callable[[], Any]) -> "Flow[[], Any]":
        hooks: dict[str, Any] = {each: [note_end] for each in ("on_completion", "on_failure", "on_cancellation")}
        name = function.__name__
        made = flow(name=name, durable=True, persist_result=True, **hooks, **options)(function)
        CASES[name] = Case(made, outcome, state, is_slow, has_retries or made.options.retries > 0)
        return made

    return make


# Tasks


@task
def load(name: str) -> list[Any]:
    ran(f"load {name}")
    return [name, 1, 2]


@task
def total(rows: list[Any], extra: int = 0) -> int:
    ran(f"total {rows[0]} {extra}")
    return sum(rows[1:]) + extra


@task
async def fetch(name: str) -> list[Any]:
    ran(f"fetch {name}")
    await asyncio.sleep(0)
    return [name, 3]


@task
def refuse(name: str) -> None:
    ran(f"refuse {name}")
    raise ValueError(f"no {name}")


@task(retries=2, retry_delay_seconds=0)
def second_time(name: str) -> str:
    if ran(f"second {name}") == 0:
        raise ConnectionError(name)
    return f"{name} came"


@task
def fails_once(name: str) -> str:
    if ran(f"once {name}") == 0:
        raise ConnectionError(name)
    return name


@task(persist_result=False)
def passing(value: Any) -> Any:
    return value


@task
def numbers(count: int) -> Iterator[int]:
    ran(f"numbers {count}")
    yield from range(count)


@task
async def anumbers(count: int) -> AsyncIterator[int]:
    ran(f"anumbers {count}")
    for number in range(count):
        yield number


@task
def square(number: int) -> int:
    ran(f"square {number}")
    return number * number


# Calls


@case([3, 3, 8])
def plain() -> list[int]:
    return [total(load("a")), total(load("b")), total(load("a2"), extra=5)]


@case([["x", 3], ["y", 3]])
async def awaited() -> list[Any]:
    return [await fetch("x"), await fetch("y")]


@case([3, 3])
def equal_calls() -> list[int]:
    """Distinguished by their turns only."""

    def again() -> int:
        return int(drawn("e"))

    return [again(), again()]


@task
def drawn(name: str) -> int:
    ran(f"drawn {name} {drawn_turn()}")
    return 3


def drawn_turn() -> str:
    return str(runtime.task_run.name)  # numbered by its turn


@case(3)
def passed_on() -> int:
    rows = load("p")
    return total(passing(rows))


@case([None, True, 7, "x"])
def literals() -> list[Any]:
    return [nothing(), yes(), square(1) + 6, "x"]


@task
def nothing() -> None:
    ran("nothing")


@task
def yes() -> bool:
    ran("yes")
    return True


@case([LARGE, b"ab"])
def large() -> list[Any]:
    data = block(LARGE)
    return [len(data), ends(data)]


@task
def block(size: int) -> bytes:
    ran("block")
    return b"a" + bytes(size - 2) + b"b"


@task
def ends(data: bytes) -> bytes:
    ran("ends")
    return data[:1] + data[-1:]


@case([2, 2])
def by_step_id() -> list[int]:
    return [draw("monday", time.time_ns()), draw("tuesday", time.time_ns())]


@task(step_id="draw-{day}")
def draw(day: str, at: int) -> int:
    ran(f"draw {day}")
    return 2


@case([["o", 1, 2], 3])
def with_options() -> list[Any]:
    other = load.with_options(name="other", result_serializer="json", tags={"b"})
    with tags("a"):
        rows = other("o")
    return [rows, total(rows)]


class Multiplier:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    @task
    def times(self, number: int) -> int:
        ran(f"times {self.factor} {number}")
        return self.factor * number


@case([6, 8, 20])
def methods() -> list[int]:
    two, five = Multiplier(2), Multiplier(5)
    return [two.times(3), two.times(4), five.times(4)]


@case([4, 4])
def cached() -> list[int]:
    return [cube_or_so(2), cube_or_so(2)]


@task(cache_key_fn=task_input_hash)
def cube_or_so(number: int) -> int:
    ran(f"cached {number}")
    return number * 2


@case(9)
def task_in_task() -> int:
    return outer(3)


@task
def outer(number: int) -> int:
    ran(f"outer {number}")
    return int(inner(number))


@task
def inner(number: int) -> int:
    ran(f"inner {number}")
    return number * number


@case(12, result_serializer="json")
def kept_by_key() -> int:
    return sum(named(number) for number in (3, 4, 5))


@task(result_storage_key="named/{parameters[number]}.json", persist_result=True)
def named(number: int) -> int:
    ran(f"named {number}")
    return number


# Submitted


@case([3, 3, 3])
def submitted() -> list[int]:
    futures = [total.submit(load.submit(name)) for name in "abc"]
    return [future.result() for future in futures]


@case([0, 1, 4, 9], task_runner=ThreadTaskRunner(max_workers=2))
def mapped() -> list[int]:
    return list(square.map(range(4)).result())


@case(5, task_runner=SequentialTaskRunner())
def in_sequence() -> int:
    return square.submit(1).result() + square.submit(2).result()


@case([3, 1])
def waited_for() -> list[int]:
    first = load.submit("w")
    late = square.submit(1, wait_for=[first])
    return [total(first), late.result()]


@case([1, 4, 9])
def any_order() -> list[int]:
    """Submitted in another order by each process."""
    order = random.sample([1, 2, 3], 3)
    futures = {number: square.submit(number) for number in order}
    return [futures[number].result() for number in (1, 2, 3)]


@case([["0", 3], ["1", 3], ["2", 3]])
async def gathered() -> list[Any]:
    """Begun in another order by each process."""
    order = random.sample(range(3), 3)
    found = await asyncio.gather(*(fetch(str(number)) for number in order))
    return sorted(found)


@case([["f", 3], ["g", 3]])
async def submitted_and_awaited() -> list[Any]:
    futures = [fetch.submit(name) for name in "fg"]
    return [await (await future).result() for future in futures]


@case([1, 4], is_slow=True, task_runner=ProcessTaskRunner(max_workers=1))
def in_processes() -> list[int]:
    return [future.result() for future in [square.submit(1), square.submit(2)]]


# Subflows


@flow(persist_result=True)
def each(name: str) -> int:
    return int(total(load(name)))


@flow
async def aeach(name: str) -> list[Any]:
    return list(await fetch(name))


@case([3, 3])
def nested() -> list[int]:
    return [each("m"), each("n")]


@case([["q", 3], ["r", 3]])
async def nested_async() -> list[Any]:
    return list(await asyncio.gather(aeach("q"), aeach("r")))


@flow
def deeper(name: str) -> list[int]:
    return [each(name), each(f"{name}2")]


@case([[3, 3], [0, 1]])
def nested_twice() -> list[Any]:
    return [deeper("d"), list(square.map([0, 1]).result())]


@flow(retries=1)
def tries_again(name: str) -> str:
    load(name)
    return str(fails_once(f"in {name}"))


@case("in s", has_retries=True)
def nested_retry() -> str:
    return str(tries_again("s"))


# Failures


@case(["no bread", 3])
def handled() -> list[Any]:
    try:
        refuse("bread")
    except ValueError as error:
        return [str(error), total(load("h"))]
    return []


@case("ValueError: no wine", S.FAILED)
def failing() -> None:
    load("i")
    refuse("wine")


@case(["no milk", 1])
def looked_at() -> list[Any]:
    state = refuse("milk", return_state=True)
    return [str(state.result(raise_on_failure=False)), square(1)]


@case(["t came", 3])
def task_retried() -> list[Any]:
    return [second_time("t"), total(load("t"))]


@case([3, "u"], retries=1)
def flow_retried() -> list[Any]:
    rows = load("u")
    return [total(rows), fails_once("u")]


@case([3, "first", "other"], retries=3)
def flow_retried_twice() -> list[Any]:
    rows = load("v")
    return [total(rows), fails_once("first"), fails_once("other")]


@flow
def fails_below(name: str) -> None:
    load(name)
    refuse(name)


@case("no k")
def failure_below() -> str:
    try:
        fails_below("k")
    except ValueError as error:
        return str(error)
    return ""


@case([S.COMPLETED, S.COMPLETED])
def of_states() -> None:
    load("z")
    square(3)


# Transactions


@case(["t", 6])
def in_transaction() -> list[Any]:
    with transaction() as txn:
        txn.set("name", "t")
        rows = load("t")
        with transaction():
            doubled = [total(rows), total(rows)]
    return [rows[0], sum(doubled)]


@case("no u2, then 3")
def rolled_back() -> str:
    try:
        with transaction():
            square.map([5, 6])
            load("u1")
            refuse("u2")
    except ValueError as error:
        return f"{error}, then {total(load('u3'))}"
    return ""


@case(9)
async def in_transaction_async() -> int:
    async with transaction(key="corpus"):
        rows = [fetch.submit(name) for name in "vwx"]
    return sum([(await each.result())[1] for each in rows])


# Generators


@case([0, 1, 4])
def generating() -> list[int]:
    return [square(number) for number in numbers(3)]


@case([0, 1])
async def generating_async() -> list[int]:
    return [number async for number in anumbers(2)]


@case([0, 1, 4])
def generator_flow() -> Iterator[int]:
    for number in range(3):
        yield square(number)


@case([["a0", 3], ["a1", 3]])
async def generator_flow_async() -> AsyncIterator[Any]:
    for number in range(2):
        yield await fetch(f"a{number}")


@case([0, 1])
def mapped_over_generator() -> list[int]:
    return list(square.map(numbers(2)).result())


# Each item is committed. They are unlike each time they are made, so that one which was made again would be noticed.


@task
def readings(count: int) -> Iterator[dict[str, float]]:
    for number in range(count):
        yield {"number": number, "noise": random.random()}


@task
async def pages(count: int) -> AsyncIterator[list[float]]:
    for number in range(runtime.items_done(), count):
        ran(f"page {number}", item=number)
        yield [number, random.random()]


@task
def squared(reading: dict[str, float]) -> int:
    ran(f"squared {reading['number']}")
    return int(reading["number"] ** 2)


@task
def turned(page: list[float]) -> int:
    ran(f"turned {page[0]}")
    return int(page[0])


@case([0, 1, 4])
def unlike_items() -> list[int]:
    return [squared(reading) for reading in readings(3)]


@case([0, 1, 2])
async def unlike_items_async() -> list[int]:
    return [turned(page) async for page in pages(3)]


@case([0, 1, 4])
def unlike_items_mapped() -> list[int]:
    return list(squared.map(readings(3)).result())


@case([0, 1, 4])
def unlike_items_at_once() -> list[int]:
    return [squared(reading) for reading in list(readings(3))]


@flow
def subflow_of_pages(count: int) -> Iterator[list[float]]:
    for number in range(runtime.items_done(), count):
        ran(f"subpage {number}", item=number)
        yield [square(number), random.random()]


@case([0, 1, 4])
def unlike_items_of_subflow() -> list[int]:
    return [turned(page) for page in subflow_of_pages(3)]


@case([0, 1, 2])
def generator_flow_that_is_resumed() -> Iterator[int]:
    for number in range(runtime.items_done(), 3):
        ran(f"item {number}", item=number)
        yield number


@task
def large_items() -> Iterator[bytes]:
    for letter in b"ab":
        yield bytes([letter]) * LARGE


@case([b"aa", b"bb"])
def items_with_payloads() -> list[bytes]:
    return [both_ends(item) for item in large_items()]


@task
def both_ends(item: bytes) -> bytes:
    ran(f"ends of {item[:1]!r}")
    return item[:1] + item[-1:]


@case([0, 1, 0])
def left_half_way() -> list[int]:
    """Its caller takes two items, and one of another generator that it leaves to itself."""
    items, others = readings(9), pages(9)
    first = [squared(next(items)), squared(next(items))]
    items.close()  # type: ignore[attr-defined]
    return [*first, turned(next(others))]  # type: ignore[call-overload]


@task
def sheets(count: int) -> Iterator[list[float]]:
    for number in range(runtime.items_done(), count):
        ran(f"sheet {number}", item=number)
        yield [number, random.random()]


@case([0, 1, 2], is_slow=True, task_runner=ProcessTaskRunner(max_workers=1))
def items_in_process() -> list[int]:
    return [turned(page) for page in sheets.submit(3).result()]


@task
def breaks_off() -> Iterator[list[float]]:
    yield [0, random.random()]
    yield [1, random.random()]
    raise ValueError("no more")


@case([0, 1, "no more", 4])
def broken_off() -> list[Any]:
    found: list[Any] = []
    try:
        found.extend(turned(page) for page in breaks_off())
    except ValueError as error:
        found.append(str(error))
    return [*found, square(2)]


@task
def breaks_off_once() -> Iterator[list[float]]:
    yield [0, random.random()]
    if ran("breaks off") == 0:
        raise ConnectionError
    yield [1, random.random()]


@case([0, 1], retries=1)
def resumed_by_retry() -> list[int]:
    return [turned(page) for page in breaks_off_once()]


# Cancelled and crashed


@task
async def sleeps(name: str) -> None:
    ran(f"sleeps {name}")
    await asyncio.sleep(60)


@case(["too late", ["n", 3]])
async def cancelled_task() -> list[Any]:
    came = ""
    try:
        await asyncio.wait_for(sleeps("l"), 0.02)
    except TimeoutError:
        came = "too late"
    return [came, await fetch("n")]


@case("CancelledRun: not today", S.CANCELLED)
def cancelled_by_itself() -> Any:
    load("j")
    return Cancelled(message="not today")


@task
def gives_up(name: str) -> None:
    ran(f"gives up {name}")
    raise SystemExit(name)


@case([S.CRASHED, 3])
def crash_caught() -> list[Any]:
    state = gives_up("g", return_state=True)
    return [state.type, total(load("g"))]


# Waiting


@task
def naps(name: str) -> str:
    ran(f"naps {name}")
    sleep(0.002, key=name)
    return name


@case([["n", 1, 2], "short", 3])
def sleeping() -> list[Any]:
    rows = load("n")
    sleep(0.002)
    return [rows, naps("short"), total(rows)]


@case([3, "nobody came"])
def pausing() -> list[Any]:
    rows = load("w2")
    try:
        pause_flow_run(timeout=0.002, key="approval")
    except PauseTimeout:
        return [total(rows), "nobody came"]
    return []


@case("nobody came")
async def pausing_async() -> str:
    try:
        await pause_flow_run(timeout=0.002)
    except PauseTimeout:
        return "nobody came"
    return ""


@task(retries=2, retry_delay_seconds=0.002)
def third_time(name: str) -> str:
    if ran(f"third {name}") < 2:
        raise ConnectionError(name)
    return name


@case(["patient", 3])
def waiting_for_tries() -> list[Any]:
    return [third_time("patient"), total(load("x2"))]


if __name__ == "__main__":
    outcome_of(CASES[sys.argv[1]].flow)
