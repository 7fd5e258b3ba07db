"""gevent and eventlet: greenlets in the place of threads, in processes of their own."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("greenlet", reason="greenlet has no wheel for this Python")
pytestmark = pytest.mark.slow  # each has a process of its own

PATCH = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}
SPAWN = {
    "gevent": "import gevent.pool\ndef at_once(n): return gevent.pool.Pool(n).map(plain, range(n))",
    "eventlet": "def at_once(n): return list(eventlet.GreenPool(n).imap(plain, range(n)))",
}
FLOWS = """
import asyncio, time
from perdure import flow, task

@task(timeout_seconds=20)
def double(number):
    time.sleep(0.001)
    return number * 2

@task(persist_result=True)
async def later(number):
    await asyncio.sleep(0)
    return [number]

@flow(persist_result=True)
def plain(number: int):
    return [double(number), double.submit(double.submit(number)).result(), sum(double.map([1, 2]).result())]

@flow
def mixed():
    return later(1)

@flow
async def awaited():
    return [await later(1), await later.submit(2).result(), double.submit(3).result(), *double.map([4]).result()]
"""


def run(code: str) -> str:
    """What a program prints; or, if it fails, the last line of its error."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PERDURE_LOGGING_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("library", PATCH)
def test_plain_flows_run_in_greenlets(library: str) -> None:
    program = "\n".join(
        [PATCH[library], FLOWS, SPAWN[library], "print(at_once(20) == [[2*n, 4*n, 6] for n in range(20)])"]
    )
    assert run(program) == "True\n"


@pytest.mark.parametrize("library", PATCH)
def test_plain_code_that_calls_coroutines_is_refused_where_threads_are_greenlets(library: str) -> None:
    refused = run("\n".join([PATCH[library], FLOWS, "mixed()"]))
    assert refused.startswith("perdure.errors.UnsupportedConcurrency: Plain code called a coroutine")
    assert library in refused


def test_coroutine_flows_run_where_threads_are_greenlets() -> None:
    assert run("\n".join([PATCH["gevent"], FLOWS, "print(asyncio.run(awaited()))"])) == "[[1], [2], 6, 8]\n"


@pytest.mark.parametrize("library", PATCH)
def test_threads_that_are_replaced_too_late_are_refused(library: str) -> None:
    refused = run("\n".join([FLOWS, PATCH[library], "plain(1)"]))
    assert f"UnsupportedConcurrency: {library} replaced threads and locks after Perdure was imported" in refused


def test_greenlets_that_replace_nothing_run_flows_one_after_another() -> None:
    assert run("\n".join([FLOWS, SPAWN["gevent"], "print(at_once(2), mixed())"])) == "[[0, 0, 6], [2, 4, 6]] [1]\n"
