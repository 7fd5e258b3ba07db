"""What errors say about their remedy."""

import asyncio
import threading
from contextlib import nullcontext
from typing import Any

import pytest

from perdure import flow, task, transaction
from perdure.errors import SerializationError


@task
def one() -> Any:
    return 1


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: one.submit() + 1,
        lambda: one.submit()[0],
        lambda: one.submit().upper(),
        lambda: len(one.submit()),
        lambda: one.submit() * 2.5,
    ],
)
def test_a_future_used_as_its_value_is_hinted_at(misuse: Any) -> None:
    with pytest.raises((TypeError, AttributeError)) as raised:
        flow(misuse)()
    assert any("future.result()" in note for note in raised.value.__notes__)


def test_an_await_of_a_plain_value_is_hinted_at() -> None:
    @flow
    async def awaits() -> Any:
        return await one()

    with pytest.raises(TypeError) as raised:
        asyncio.run(awaits())
    assert raised.value.__notes__ == [
        "Hint: a task or flow on a plain function gives its value at once. Call it without `await`."
    ]


def test_other_errors_have_no_hint() -> None:
    with pytest.raises(TypeError) as raised:
        flow(lambda: 1 + "a")()  # type: ignore[operator]
    assert not hasattr(raised.value, "__notes__")


@pytest.mark.parametrize(
    ("of_flow", "of_task", "why"),
    [
        ({}, {}, "it is called in a transaction"),
        ({"retries": 1}, {}, "its flow 'nightly' has retries=1"),
        ({"durable": True}, {}, "its flow is durable"),
        ({}, {"step_id": "once"}, "an option or a setting needs it"),
    ],
)
def test_a_result_that_cannot_be_written_says_why_it_is_persisted(
    of_flow: dict[str, Any], of_task: dict[str, Any], why: str
) -> None:
    @task(**of_task)
    def connect() -> Any:
        return {"lock": threading.Lock()}

    @flow(**of_flow)
    def nightly() -> int:
        with nullcontext() if of_flow or of_task else transaction():
            return len(connect())

    with pytest.raises(SerializationError) as raised:
        nightly()
    assert "task 'connect'" in str(raised.value)
    assert why in str(raised.value)
    assert "persist_result=False" in str(raised.value)


@pytest.mark.parametrize("made", [task, flow])
def test_a_timeout_of_zero_sets_no_limit(made: Any) -> None:
    assert made(timeout_seconds=0)(lambda: 1).options.timeout_seconds is None
