"""Tracebacks of what flows and tasks raise: the frames of those who wrote them."""

import asyncio
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import perdure
from perdure import flow, settings, task
from perdure._model.tracebacks import fold
from perdure.states import State

OWN = str(perdure.__path__[0])
ERROR = ValueError("no such city")


@task
def fails(_: int = 0) -> None:
    raise ERROR


@task
async def afails() -> None:
    raise ERROR


@task
def items() -> Iterator[int]:
    yield 1
    raise ERROR


@flow
def inner() -> None:
    fails()


@flow
def calls() -> None:
    fails()


@flow
def submits() -> None:
    fails.submit().result()


@flow
def maps() -> None:
    fails.map([1]).result()  # one: threads that raise one object at once each add to its traceback


@flow
def nests() -> None:
    inner()


@flow
def iterates() -> None:
    for _ in items():
        pass


@flow
async def awaits() -> None:
    await afails()


@flow
async def awaits_submitted() -> None:
    await afails.submit().result()


@flow(retries=1)
def tries_again() -> None:
    fails()


def raised_by(call: Callable[[], Any]) -> BaseException:
    with pytest.raises(ValueError, match="no such city") as caught:
        call()
    return caught.value


def engine_frames(error: BaseException) -> list[str]:
    return [frame.name for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(OWN)]


def functions(error: BaseException) -> list[str]:
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
    return [frame.name for frame in own if frame.name not in ("raised_by", "<lambda>")]


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (fails, ["fails"]),
        (lambda: fails.submit().result(), ["fails"]),
        (lambda: fails(return_state=True).result(), ["fails"]),
        (lambda: list(items()), ["items"]),
        (calls, ["calls", "fails"]),
        (lambda: calls(return_state=True).result(), ["calls", "fails"]),
        (lambda: calls.submit().result(), ["calls", "fails"]),
        (submits, ["submits", "fails"]),
        (maps, ["maps", "fails"]),
        (nests, ["nests", "inner", "fails"]),
        (iterates, ["iterates", "items"]),
        (tries_again, ["tries_again", "fails"]),
        (lambda: asyncio.run(awaits()), ["awaits", "afails"]),
        (lambda: asyncio.run(awaits_submitted()), ["awaits_submitted", "afails"]),
    ],
    ids=range(14),
)
def test_what_leaves_a_run_has_the_frames_of_its_user(call: Callable[[], Any], names: list[str]) -> None:
    error = raised_by(call)
    assert error is ERROR
    assert engine_frames(error) == []
    assert functions(error)[-len(names) :] == names


@pytest.fixture(autouse=True)
def _fresh() -> None:
    ERROR.__traceback__ = None


def test_with_the_setting_tracebacks_are_whole() -> None:
    with settings.temporary_settings(logging_full_tracebacks=True):
        assert "drive" in engine_frames(raised_by(calls))


def test_the_cause_of_an_error_is_folded_too() -> None:
    @flow
    def explains() -> None:
        try:
            fails()
        except ValueError as error:
            raise RuntimeError("no report") from error

    with pytest.raises(RuntimeError) as caught:
        explains()
    assert caught.value.__cause__ is ERROR
    assert engine_frames(ERROR) == []


@task(timeout_seconds=0.05)
def slow() -> None:
    while True:
        time.sleep(0.005)


@task(timeout_seconds=0.05)
async def aslow() -> None:
    await asyncio.sleep(10)


@pytest.mark.parametrize(
    ("call", "name"),
    [(slow, "slow"), (lambda: slow.submit().result(), "slow"), (lambda: asyncio.run(aslow()), "aslow")],
    ids=["here", "submitted", "awaited"],
)
def test_a_timeout_says_where_the_code_was(call: Callable[[], Any], name: str) -> None:
    with pytest.raises(TimeoutError) as caught:
        call()
    assert engine_frames(caught.value) == []
    assert name in functions(caught.value)


def test_an_error_of_the_engine_itself_keeps_its_frames() -> None:
    with pytest.raises(ValueError, match="is not a type of state") as caught:
        State("LOST")  # type: ignore[arg-type]
    whole = engine_frames(caught.value)
    fold(caught.value)
    assert engine_frames(caught.value) == whole != []
