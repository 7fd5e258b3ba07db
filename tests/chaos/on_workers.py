"""Flows whose tasks run on workers that are killed: each execution is noted, with the process that it ran in."""

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from perdure import flow, settings, task, unmapped
from perdure.flows import Flow
from perdure.testing.invariants import Ledger

LARGE = 100_000  # bytes: more than an answer brings back from a cluster, where they are not persisted


def ledger() -> Ledger:
    """The flow's own steps: one for the flow's process and the workers."""
    return Ledger(Path(settings.current().home) / "ledger")


def below() -> Ledger:
    """What steps call themselves: it belongs to them, and runs again when they do."""
    return Ledger(Path(settings.current().home) / "below")


def places() -> Ledger:
    """The processes in which tasks were executed, as texts."""
    return Ledger(Path(settings.current().home) / "places")


def ran(what: str, of: str = "") -> None:
    """Note that a task executes, which a step may have called, and where."""
    places().note(str(os.getpid()))
    (below() if of else ledger()).note(what)


@task
def square(number: int, seconds: float, of: str = "") -> int:
    ran(f"square {number} {of}", of)
    time.sleep(seconds)
    return number * number


@task
def total(numbers: list[int]) -> int:
    ran(f"total {numbers}")
    return sum(numbers)


@task
def block(number: int) -> bytes:
    ran(f"block {number}")
    return bytes([number]) * LARGE


@task
def length(value: bytes) -> int:
    ran(f"length {value[0]}")
    return len(value)


@task
def nest(number: int) -> int:
    """Submits tasks, which run in threads of its worker."""
    ran(f"nest {number}")
    return sum(square.map([number, number + 1], [0.002, 0.1 + 0.01 * number], unmapped(f"nest {number}")).result())


@flow
def subflow(number: int) -> int:
    return square(number, 0.0, "first") + square.submit(number, 0.002, "second").result()


@task
def calls_a_flow(number: int) -> int:
    """Calls a subflow, whose runs its worker commits itself."""
    ran(f"calls {number}")
    return subflow(number)


@flow
def mapped(retries: int) -> list[int]:
    """Many short calls."""
    return square.with_options(retries=retries).map(range(120), 0.004).result()


@flow
def mixed(retries: int) -> list[int]:
    """Slow calls among fast ones."""
    some = square.with_options(retries=retries)
    futures = [some.submit(number, 0.15 if number % 10 == 3 else 0.001) for number in range(40)]
    return [future.result() for future in futures]


@flow
def chained(retries: int) -> int:
    """Calls with values of others among their arguments."""
    some, of = square.with_options(retries=retries), total.with_options(retries=retries)
    parts = [of.submit(some.map(range(start, start + 8), 0.003)) for start in range(0, 40, 8)]
    return of.submit(parts).result()


@flow
def nested(retries: int) -> list[int]:
    """Calls that submit calls."""
    return nest.with_options(retries=retries).map(range(16)).result()


@flow
def subflows(retries: int) -> list[int]:
    """Calls that call flows."""
    return calls_a_flow.with_options(retries=retries).map(range(8)).result()


@flow
def large(retries: int) -> list[int]:
    """Values that stay on the cluster, unless they are persisted."""
    blocks = block.with_options(retries=retries).map(range(8))
    return length.with_options(retries=retries).map(blocks).result()


class Case(NamedTuple):
    flow: "Flow[[int], Any]"
    outcome: object  # of an undisturbed run
    executions: int  # of its own steps


CASES: dict[str, Case] = {
    "mapped": Case(mapped, [number**2 for number in range(120)], 120),
    "mixed": Case(mixed, [number**2 for number in range(40)], 40),
    "chained": Case(chained, sum(number**2 for number in range(40)), 46),
    "nested": Case(nested, [number**2 + (number + 1) ** 2 for number in range(16)], 16),
    "subflows": Case(subflows, [2 * number**2 for number in range(8)], 8),
    "large": Case(large, [LARGE] * 8, 16),
}
