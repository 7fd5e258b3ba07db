"""What users of Prefect ask of a future."""

import threading
from typing import Any, TypeVar

from perdure import flow, task
from perdure.context import get_run_context
from perdure.futures import AsyncFuture, Future, PrefectFuture

T = TypeVar("T")


def test_a_future_has_a_state_before_and_after_its_run_has_ended() -> None:
    go_on, states = threading.Event(), list[Any]()

    @task
    def waits() -> int:
        go_on.wait(60)
        return 3

    @flow
    def submits() -> None:
        future = waits.submit()
        states.append(future.state)
        assert not future.is_done
        go_on.set()
        assert future.wait().is_completed()
        assert future.state is future.get_state()
        states.append(future.state)

    submits()
    before, after = states
    assert (before.is_pending(), after.is_completed()) == (True, True)
    assert before.run_id == after.run_id


def test_the_run_of_a_future_is_known_by_its_id() -> None:
    @task
    def who() -> str:
        return get_run_context().id

    @flow
    def submits() -> tuple[str, str]:
        future = who.submit()
        return future.task_run_id, future.result()

    ids = submits()
    assert ids[0] == ids[1]


def test_futures_are_named_in_hints_as_prefect_does() -> None:
    assert PrefectFuture is Future
    assert Future[int].__args__ == PrefectFuture[int, Any].__args__ == (int,)  # type: ignore[misc]
    assert Future[T][int] == Future[int]  # type: ignore[valid-type]
    assert AsyncFuture[str].__args__ == (str,)


def test_a_class_may_be_made_of_a_future_of_a_type() -> None:
    class Mine(Future[T]):
        pass

    assert Mine[int].__args__ == (int,)
