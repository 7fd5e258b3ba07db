"""Commands that programs written for Prefect run and wait for."""

import asyncio
import io
import sys

import pytest

from perdure.futures import AsyncFuture, PrefectFuture
from perdure.utilities.asyncutils import Async, Sync, run_sync_in_worker_thread
from perdure.utilities.processutils import run_process


def test_a_command_is_run_to_its_end_and_says_how_it_ended() -> None:
    out, err = io.StringIO(), io.StringIO()
    code = "import sys; print('tea'); print('salt', file=sys.stderr); sys.exit(3)"
    process = asyncio.run(run_process([sys.executable, "-S", "-c", code], stream_output=(out, err)))
    assert (process.returncode, out.getvalue(), err.getvalue()) == (3, "tea\n", "salt\n")


def test_what_a_command_prints_is_shown_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for streamed in (False, True):
        asyncio.run(run_process(["echo", f"streamed: {streamed}"], stream_output=streamed))
    assert capsys.readouterr().out == "streamed: True\n"


def test_a_command_does_not_outlive_its_caller() -> None:
    async def cut_short() -> None:
        await asyncio.wait_for(run_process(["sleep", "3600"]), timeout=0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(cut_short())  # which waits for all of it


def test_hints_may_say_who_waits_how() -> None:
    assert str(PrefectFuture[int, Sync]) == str(PrefectFuture[int])  # type: ignore[type-arg]
    assert str(AsyncFuture[int, Async]) == str(AsyncFuture[int])  # type: ignore[type-arg]


def test_calls_that_block_are_awaited() -> None:
    assert asyncio.run(run_sync_in_worker_thread(max, 1, 2)) == 2
