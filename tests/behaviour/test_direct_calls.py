"""Calls that need nothing but their function are made without effects, and leave the same records."""

import functools
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from perdure import flow, quote, session, task
from perdure._engine import direct, drivers
from perdure.states import Completed, Failed, Scheduled

_MADE_ANEW = {"id", "run_id", "flow_run_id", "parent_task_run_id", "created", "time", "source_id", "storage_key"}
_OF_TASKS = {"TaskRunRecord", "StateRecord", "ResultRecord", "InputRecord", "DecisionRecord", "CacheRecord"}


@task
def value() -> dict[str, int]:
    return {"a": 1}


@task
def nothing() -> None:
    return None


@task(persist_result=False)
def not_kept() -> None:
    return None


@task(persist_result=True)
def kept() -> list[int]:
    return [1]


@task(persist_result=True)
def kept_literal() -> bool:
    return True


@task(persist_result=True)
def not_serializable() -> Any:
    return threading.Lock()


@task(persist_result=True)
def broken_and_kept() -> None:
    raise ValueError("broken")


@task
def broken() -> None:
    raise ValueError("broken")


@task(retries=1, retry_delay_seconds=0)
def broken_twice() -> None:
    raise ValueError("broken")


@task
def by_hand() -> Any:
    return Completed(message="by hand")


@task
def failed_by_hand() -> Any:
    return Failed(message="by hand")


@task
def later() -> Any:
    return Scheduled()


@task
def several_states() -> Any:
    return [Completed(), Failed(message="one of them")]


@task
def quoted() -> Any:
    return quote([1])


@task(tags={"own"}, name="named")
def tagged(n: int, other: str = "x") -> int:
    return n


@task
def outer() -> int:
    return tagged(1)


def _records(monkeypatch: pytest.MonkeyPatch, called: Callable[[], Any], kind: str) -> list[object]:
    """What a flow of one task reports, but what is another in each run."""
    reported: list[Any] = []
    current = session.current()
    plain, committed = current.report, current.commit

    def report(records: Any) -> None:
        reported.extend(records)
        plain(records)

    def commit(records: Any) -> None:
        reported.extend(records)
        committed(records)

    @flow(name="same")
    def calls() -> None:
        with suppress(Exception):
            called.submit() if kind == "submitted" else called()  # type: ignore[attr-defined]

    monkeypatch.setattr(current, "report", report)
    monkeypatch.setattr(current, "commit", commit)
    with suppress(Exception):
        calls()
    monkeypatch.setattr(current, "report", plain)
    monkeypatch.setattr(current, "commit", committed)
    return [
        (type(each), {name: field for name, field in each._asdict().items() if name not in _MADE_ANEW})
        for each in reported
        if type(each).__name__ in _OF_TASKS and getattr(each, "of_task", True)
    ]


@pytest.mark.parametrize("kind", ["called", "submitted"])
@pytest.mark.parametrize(
    "called",
    [
        *(value, nothing, not_kept, broken, broken_twice, by_hand, failed_by_hand, later, several_states, quoted),
        *(outer, kept, kept_literal, not_serializable, broken_and_kept),
    ],
)
def test_a_direct_call_reports_what_the_lifecycle_would(
    called: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directly = _records(monkeypatch, called, kind)

    with monkeypatch.context() as looked_at:
        looked_at.setattr(drivers, "perform", functools.partial(drivers.perform))
        by_effects = _records(monkeypatch, called, kind)

    assert directly == by_effects
    assert directly


def test_a_call_that_needs_nothing_else_is_made_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "drive", None)

    assert value() == {"a": 1}


@pytest.mark.parametrize("place", [1, 2])
def test_ctrl_c_between_two_steps_of_a_direct_call_ends_its_run(
    place: int, known: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = session.current()
    plain, left = current.report, place

    def report(records: Any) -> None:
        nonlocal left
        if any(type(each).__name__ == "StateRecord" and each.of_task for each in records):
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
        plain(records)

    @flow
    def calls() -> None:
        value()

    monkeypatch.setattr(current, "report", report)
    with pytest.raises(KeyboardInterrupt):
        calls()

    assert known.task_run("value").state_type in ("CRASHED", "COMPLETED")
    assert known.flow_run("calls").state_type == "CRASHED"
