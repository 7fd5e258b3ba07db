"""What a server keeps is bounded, however much happens."""

import _sqlite3
import ctypes
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perdure import session, settings
from perdure._http import changes as module
from perdure._http.changes import Change, Changes
from perdure._platform.ids import new_id
from perdure._server.services import events as of_events
from perdure._server.services.events import Events
from perdure._server.services.runtime import ServiceRuntime
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import LogRecord
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


def test_changes_are_kept_for_as_long_as_a_listener_may_be_away(known: EmbeddedOrchestrator) -> None:
    now = 0.0
    changes = Changes(known, lambda: now)
    run = flow_run()
    known.commit([run, state(run, StateType.RUNNING)])
    (found,) = known.flow_runs(module.RunFilter())
    for number in range(1, 101):  # one a second
        now = changes._number = number
        changes._keep(Change(number, found))
    assert [change.number for change in changes.after(97) or ()] == [98, 99, 100]
    assert changes.after(20) is None
    assert len(changes._last) == len(changes._since) == 61
    now = 1_000.0
    changes._forget()
    assert (changes.after(100), changes.after(99), changes._characters) == ([], None, 0)


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


def test_what_readers_keep_of_a_large_database_is_bounded(tmp_path: Path) -> None:
    """Each has a cache of its own, for as long as the process lives, and all of them come to read everything."""
    known = EmbeddedOrchestrator(tmp_path / "perdure.db")
    text = "x" * 2_000
    known.commit([LogRecord(new_id(), None, 0, 20, "test", text) for _ in range(4_000)])  # some 8 MB
    together = threading.Barrier(8)

    def read(_: int) -> int:
        together.wait(60)
        return int(known._read("SELECT sum(length(message)) FROM log", ())[0][0])

    before = _memory_of_sqlite()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(8))) == {4_000 * 2_000}
    readers = len(known._readers._idle)
    grown = _memory_of_sqlite() - before
    known.close()
    assert readers > 1
    assert grown < readers * 3 * 2**20


def _memory_of_sqlite() -> int:
    """Bytes that SQLite has in this process, as it counts them itself."""
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_memory_used.restype = ctypes.c_int64
    return int(library.sqlite3_memory_used())
