"""What a server keeps is bounded, however much happens."""

import pytest

from perdure import session, settings
from perdure._http import changes as module
from perdure._http.changes import Change, Changes
from perdure._server.services import events as of_events
from perdure._server.services.events import Events
from perdure._server.services.runtime import ServiceRuntime
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state


@pytest.fixture
def known() -> EmbeddedOrchestrator:
    found = session.current().orchestrator
    assert isinstance(found, EmbeddedOrchestrator)
    return found


def test_changes_of_runs_with_long_parameters_are_kept_for_fewer_of_them(
    known: EmbeddedOrchestrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT_CHARACTERS", 100_000)
    changes = Changes(known)
    run = flow_run()
    known.commit([run, state(run, StateType.RUNNING)])
    (found,) = known.flow_runs(module.RunFilter())
    changes._number = 100
    for number in range(1, 101):
        changes._keep(Change(number, found._replace(parameters="x" * 10_000)))
    kept = changes.after(95)
    assert kept is not None
    assert [change.number for change in kept] == [96, 97, 98, 99, 100]
    assert changes.after(50) is None
    assert changes._characters <= 100_000


def test_events_that_are_not_remembered_are_not_made_again(
    known: EmbeddedOrchestrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_events, "_SEEN", 3)
    events, runtime = Events(), ServiceRuntime(known, settings.current())
    cursor = events(runtime, None).cursor
    for _ in range(5):
        run = flow_run()
        known.commit([run, state(run, StateType.RUNNING)])
    assert events(runtime, cursor).text == "5 new"
    assert len(events._seen) == 3
    assert events(runtime, cursor).text == "0 new"
