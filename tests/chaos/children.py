"""Processes that run a flow of the corpus, or resume it, and may be killed while they do.

They are forked from a server that has imported everything: a start takes hundredths of a second, so that the kills come
in the middle of the work.
"""

import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.chaos.children", "tests.resume.corpus", "perdure.cli.flow_run_resume"])


class Weather(NamedTuple):
    """What a child meets with."""

    most_bytes: int | None = None  # in any one file: beyond that, the disk is full
    clock: int | None = None  # a seed: the clock is wrong by some days, and jumps while the flow runs


FAIR = Weather()


def start(home: Path, command: str, weather: Weather = FAIR) -> Any:
    """Begin a process: `command` is a case's name, or "resume", or "retry-failed"."""
    child = _context.Process(target=_main, args=(str(home), command, weather), daemon=False)
    child.start()
    return child


def run(home: Path, command: str, weather: Weather = FAIR, seconds: float = 120.0) -> float:
    """Run a process to its end; how many seconds that took."""
    began = time.monotonic()
    child = start(home, command, weather)
    child.join(seconds)
    if child.is_alive():
        child.kill()
        raise TimeoutError(f"{command} in {home} has not ended after {seconds:g} s.")
    return time.monotonic() - began


def kill(child: Any, after: float, is_time: Callable[[], bool] | None = None) -> bool:
    """Kill a process after some seconds, which begin when it `is_time`; whether it was still there."""
    while is_time is not None and child.is_alive() and not is_time():
        time.sleep(0.0005)
    child.join(after)
    if not child.is_alive():
        return False
    with suppress(ProcessLookupError):
        child.kill()
    child.join()
    return bool(child.exitcode == -signal.SIGKILL)


def _main(home: str, command: str, weather: Weather) -> None:
    os.environ["PERDURE_HOME"] = home
    log = os.open(Path(home) / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    random.seed()
    from perdure import settings

    settings.reload()
    if weather.clock is not None:
        _set_clock(random.Random(weather.clock))
    if weather.most_bytes is not None:  # Python ignores the signal that comes with it
        resource.setrlimit(resource.RLIMIT_FSIZE, (weather.most_bytes, resource.RLIM_INFINITY))
    _do(command)


def _do(command: str) -> None:
    from tests.resume.corpus import CASES

    if command in CASES:
        CASES[command].call()
        return
    from perdure import session
    from perdure.cli.flow_run_resume import resume
    from perdure.testing.crashes import root_run

    run = root_run()
    assert run is not None
    session.close()
    resume(run.id, crashed=False, retry_failed=command == "retry-failed", as_json=False)


def _set_clock(chance: random.Random) -> None:
    real: Callable[[], int] = time.time_ns
    day = 86_400_000_000_000
    offset = chance.randint(-3 * day, 3 * day)
    jumps = {chance.randint(1, 300): chance.randint(-day, day) for _ in range(4)}
    calls = 0

    def time_ns() -> int:
        nonlocal calls, offset
        calls += 1
        offset += jumps.pop(calls, 0)
        return real() + offset

    time.time_ns = time_ns
