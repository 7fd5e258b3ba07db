"""The checkers see what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perdure import flow, session, task
from perdure.records import ResultFilter, StateRecord
from perdure.session import Session
from perdure.states import StateType
from perdure.testing.crashes import killed, root_run
from perdure.testing.invariants import Execution, Ledger, Witness, broken_references, violations

S = StateType


@flow(persist_result=True)
def made() -> list[int]:
    return [1]


def test_a_home_in_which_all_went_well_has_no_violations() -> None:
    made()
    assert violations(session.current().orchestrator) == []


def test_a_transition_that_may_not_be_is_one() -> None:
    run_id = made(return_state=True).flow_run_id
    assert run_id is not None
    known = session.current().orchestrator
    known.commit([StateRecord(run_id, False, S.RUNNING, "Running", None, 1)])

    assert [wrong for wrong in violations(known) if "went from COMPLETED to RUNNING" in wrong]
    assert [wrong for wrong in violations(known) if "is still Running" in wrong]


def test_a_final_state_that_is_reported_twice_is_none() -> None:
    state = made(return_state=True)
    known = session.current().orchestrator
    known.commit([StateRecord(state.flow_run_id or "", False, state.type, state.name, None, state.time)])

    assert violations(known) == []


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:-20])])
def test_a_result_that_cannot_be_loaded_is_one(home: Path, spoil: Callable[[Path], object]) -> None:
    made()
    (record,) = session.current().orchestrator.results(ResultFilter())
    (file,) = (home / "storage").rglob(f"{record.storage_key}*")
    spoil(file)

    (wrong,) = broken_references(session.current().orchestrator)
    assert record.run_id in wrong


def test_a_ledger_outlives_its_writer(tmp_path: Path) -> None:
    @task
    def noting(what: str) -> int:
        return Ledger(tmp_path / "ledger").note(what)

    assert [noting("a"), noting("b"), noting("a")] == [0, 0, 1]
    ledger = Ledger(tmp_path / "ledger")
    assert [each.what for each in ledger.executions()] == ["a", "b", "a"]
    assert len({each.run_id for each in ledger.executions()}) == 3
    assert Ledger(tmp_path / "other").executions() == []
    ledger.write("c", "a run")
    assert ledger.executions()[-1] == Execution("c", "a run")


def test_a_witness_sees_what_is_executed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(tmp_path / "ledger")

    @task
    def step() -> list[int]:
        ledger.note("step")
        return [1]

    @flow(durable=True)
    def forgetful() -> list[int]:
        return step() + step()

    witness = Witness(ledger)
    assert killed(forgetful, before=10).killed
    assert witness.look(session.current().orchestrator) == []
    monkeypatch.setattr(Session, "steps_of", lambda *_: ({}, {}))
    run = root_run()
    assert run is not None
    forgetful.resume(run.id)

    again = witness.look(session.current().orchestrator)
    assert again
    assert "'step' was executed again" in again[0]
