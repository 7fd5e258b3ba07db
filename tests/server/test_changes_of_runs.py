"""Who listens sees every change of a flow run, however old the run is."""

import pytest

from perdure import session
from perdure._http import changes as module
from perdure._http.changes import Changes
from perdure._platform.clock import system_clock
from perdure._rooms.events.port import ARRIVAL
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import FlowRunRecord
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state


def crashed(known: EmbeddedOrchestrator) -> FlowRunRecord:
    run = flow_run()
    known.commit([run, state(run, StateType.RUNNING), state(run, StateType.CRASHED)])
    return run


def test_a_run_that_is_resumed_long_after_it_ended_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    known = session.current().orchestrator
    assert isinstance(known, EmbeddedOrchestrator)
    monkeypatch.setattr(module, "_NEWEST", 3)
    monkeypatch.setattr(module, "_LOOK_BACK", 0)  # as if it had ended days before
    old, *_ = [crashed(known) for _ in range(5)]
    changes = Changes(known)
    with changes.listening():
        known.commit([state(old, StateType.RUNNING), state(old, StateType.COMPLETED)])
        with changes._lock:
            changes._look()
    changes.close()
    (change,) = changes.after(0) or ()
    assert (change.run.id, change.run.state_type) == (old.id, StateType.COMPLETED)


def test_a_writer_whose_clock_is_a_day_ahead_hides_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    known = session.current().orchestrator
    assert isinstance(known, EmbeddedOrchestrator)
    monkeypatch.setattr(module, "_NEWEST", 0)
    monkeypatch.setattr(module, "_LOOK_BACK", 0)
    ahead, old = crashed(known), crashed(known)
    arrival = (system_clock() + 86_400_000_000) * ARRIVAL
    seen = known.services.states_after(0, 10)[-1]._replace(run_id=ahead.id, arrival=arrival)
    states_after = known.services.states_after
    monkeypatch.setattr(known.services, "states_after", lambda at, limit: [*states_after(at, limit), seen])
    changes = Changes(known)
    with changes.listening():
        with changes._lock:
            changes._look()
        before = changes.number
        known.commit([state(old, StateType.RUNNING)])
        with changes._lock:
            changes._look()
    changes.close()
    assert old.id in [change.run.id for change in changes.after(before) or ()]
