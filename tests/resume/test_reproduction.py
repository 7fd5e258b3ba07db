"""Python that calls a run's function again with what the run was given."""

from pathlib import Path
from typing import Any

import pytest

from perdure import flow, session, task
from perdure._explanation.reproduction import Reproduction, reproduction_of
from perdure.records import RunFilter


@task(persist_result=True)
def load(city: str) -> list[int]:
    return [len(city), 2]


@task
def unkept() -> list[int]:
    return [1]


@task
def fit(rows: list[int], rate: float, names: dict[str, Any], password: str = "sesame", place: object = None) -> float:
    raise ArithmeticError(rate)


def failed(of: Any, *args: Any, **kwargs: Any) -> Reproduction:
    of(*args, **kwargs, return_state=True)
    (run,) = session.current().orchestrator.task_runs(RunFilter(of="fit"))
    return reproduction_of(run, session.current().orchestrator)


@flow
def trained(rate: float) -> float:
    return fit(load("Bern"), rate, {"a": [1, None, "x"]})


def test_the_call_of_a_failed_task_runs_and_fails_again() -> None:
    found = failed(trained, 0.5)
    made = {each.name: each.code for each in found.arguments}
    assert made["password"] is None  # it is hidden
    assert made["place"] == "None"
    code = found.python.replace("password=...,", "").replace("fit.fn(", "run(")
    seen: dict[str, Any] = {}
    exec(code, {"run": lambda **given: seen.update(given)})
    assert seen == {"rows": [4, 2], "rate": 0.5, "names": {"a": [1, None, "x"]}, "place": None}
    assert f"from {__name__} import fit\n" in found.python


def test_what_is_not_kept_is_left_open() -> None:
    @flow
    def trained() -> float:
        return fit(unkept(), 1.0, {"long": "x" * 5_000}, place=Path)

    found = failed(trained)
    made = {each.name: each.code for each in found.arguments}
    assert (made["names"], made["place"], found.is_whole) == (None, None, False)
    assert "names=...,\n" in found.python


def test_a_flow_is_called_with_its_parameters() -> None:
    trained(0.25, return_state=True)
    (run,) = session.current().orchestrator.flow_runs(RunFilter(of="trained"))
    found = reproduction_of(run, session.current().orchestrator)
    assert found.python == f"from {__name__} import trained\n\ntrained.fn(\n    rate=0.25,\n)\n"


@pytest.mark.parametrize("key", ["os;x.run", "flows.made.<locals>.run", "run"])
def test_a_function_that_nobody_can_import_is_not_imported(key: str) -> None:
    trained(0.25, return_state=True)
    (run,) = session.current().orchestrator.task_runs(RunFilter(of="fit"))
    found = reproduction_of(run._replace(task_key=key), session.current().orchestrator)
    assert key not in found.python
    assert "function(" in found.python
