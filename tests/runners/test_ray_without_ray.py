"""What a Ray task runner does without Ray: what it refuses, and its board, which knows who runs which batch."""

import asyncio
import importlib.util
import subprocess
import sys
from typing import Any

import pytest

from perdure._runners.ray_board import Board
from perdure.errors import DefinitionError
from perdure.task_runners import RayTaskRunner


@pytest.fixture
def is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DefinitionError, match=r"perdure\[ray\]"):
        RayTaskRunner()


@pytest.mark.usefixtures("is_installed")
@pytest.mark.parametrize(
    "arguments", [{"address": "ray://10.0.0.1:10001"}, {"init_kwargs": {"address": "10.0.0.1:6379"}}]
)
def test_an_address_of_the_client_and_a_second_address_are_refused(arguments: Any) -> None:
    with pytest.raises(DefinitionError, match="address="):
        RayTaskRunner(**arguments)


def test_ray_is_not_imported_before_it_is_used() -> None:
    asked = "import importlib.util, sys; importlib.util.find_spec = lambda *_: object()"
    used = "from perdure.task_runners import RayTaskRunner; RayTaskRunner().duplicate(); sys.exit('ray' in sys.modules)"
    subprocess.run([sys.executable, "-c", f"{asked}; {used}"], check=True)


def test_a_batch_that_was_withdrawn_or_has_ended_does_not_begin() -> None:
    async def asks() -> None:
        board = Board()
        assert await board.withdraw(["withdrawn"]) == [None]
        assert not await board.claim("withdrawn", "worker")
        assert await board.end("given up") is None
        assert not await board.claim("given up", "worker")

    asyncio.run(asks())


def test_a_batch_stops_once_it_is_withdrawn_or_has_ended() -> None:
    async def asks() -> None:
        board = Board()
        assert await board.claim("first", "worker")
        assert await board.say("first", None)
        assert await board.withdraw(["first", "second"]) == ["worker", None]
        assert not await board.say("first", None)
        assert await board.claim("third", "other")
        assert await board.end("third") == "other"
        assert not await board.say("third", "too late")

    asyncio.run(asks())


def test_what_a_batch_says_is_heard_in_order_before_and_after_it_is_waited_for() -> None:
    async def asks() -> None:
        board = Board()
        await board.claim("batch", "worker")
        assert await board.say("batch", 1)
        assert await board.say("batch", 2)
        assert [await board.hear("batch"), await board.hear("batch")] == [1, 2]
        heard = asyncio.ensure_future(board.hear("batch"))
        await asyncio.sleep(0)
        await board.say("batch", 3)
        assert await heard == 3
        heard = asyncio.ensure_future(board.hear("batch"))
        await asyncio.sleep(0)
        await board.end("batch")
        assert await heard is None

    asyncio.run(asks())
