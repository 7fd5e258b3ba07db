"""Steps that earlier versions committed are found again, though their arguments have other digests today."""

import decimal
import pathlib
import types
from collections.abc import Iterator
from typing import Any

import pandas
import pytest

from perdure import flow, task
from perdure._engine.identity import former_hashing, identity
from perdure.testing.crashes import killed, root_run

VALUES = {
    "a table with texts and names": pandas.DataFrame({"a": ["x"]}, index=pandas.Index([1], name="n")),
    "a dict in an order of its own": {"b": 1, "a": 2},
    "an object": types.SimpleNamespace(a=1, b={2}),
    "a path": pathlib.Path("a/b"),
    "a number": 7,
    "a Decimal": decimal.Decimal("1.5"),
}
calls: list[str] = []


@task
def step(name: str, value: Any) -> str:
    calls.append(name)
    return name


@flow(durable=True, persist_result=True)
def steps() -> list[str]:
    return [step(name, value) for name, value in VALUES.items()]


@pytest.fixture(autouse=True)
def no_calls() -> Iterator[None]:
    calls.clear()
    yield
    calls.clear()


def test_steps_of_a_run_that_an_earlier_version_began_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        # Where it is used: what is set on the module itself comes too late, or stays for all tests that follow.
        earlier.setattr(identity.hashing, "digest_of_values", former_hashing.digest_of_values)
        assert killed(steps, before=22, flushed=True).killed
    committed = calls[:-1]
    calls.clear()
    run = root_run()
    assert run is not None
    steps.resume(run.id)

    assert len(committed) >= 3
    assert not set(committed) & set(calls)
