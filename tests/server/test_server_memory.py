"""What a server keeps is bounded, however much happens."""

import _sqlite3
import ctypes
import gc
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx
import pytest

from perdure import session, settings
from perdure._http import changes as module
from perdure._http.changes import Change, Changes
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._server.services import events as of_events
from perdure._server.services.events import Events
from perdure._server.services.runtime import ServiceRuntime
from perdure._store import wire
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import FlowRunRecord, LogRecord, Record, StateRecord, TaskRunRecord
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state
from tests.server.serving import serving


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


class Use:
    """What flows report to a server, and what people look at meanwhile."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._source, self._numbers = new_id(), count(1)

    def __call__(self) -> None:
        run, now = new_id(), system_clock()
        task = new_id()
        records: list[Record] = [FlowRunRecord(run, f"run-{run}", "f", None, None, None, "[]", '{"day": 1}', now)]
        records.append(TaskRunRecord(task, "task-0", "task 0", "tasks.t", run, None, "[]", now))
        for kind in (StateType.RUNNING, StateType.COMPLETED):
            records += [StateRecord(id, id == task, kind, kind.title(), None, now) for id in (run, task)]
        records.append(LogRecord(run, None, now, 20, "test", f"a line of {run}"))
        sequence = {"Perdure-Source": self._source, "Perdure-Sequence": str(next(self._numbers))}
        headers = {"Perdure-Protocol": "1", **sequence}
        self._client.post(
            "/api/orchestrator/records", content=wire.encode_records(records), headers=headers
        ).raise_for_status()
        for path in ("flow-runs?limit=50", f"flow-runs?q={run[:8]}", f"flow-runs/{run}", f"flow-runs/{run}/timeline"):
            self._client.get(f"/api/{path}").raise_for_status()
        with self._client.stream("GET", "/api/events/stream") as stream:
            next(stream.iter_lines())


@pytest.mark.slow
def test_ten_times_the_requests_leave_no_more_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for a while is filled at first, so that all that rises after that would rise for ever."""
    monkeypatch.setattr(module, "_KEPT", 20)
    monkeypatch.setattr(module, "_NEWEST", 20)
    monkeypatch.setattr(of_events, "_SEEN", 20)
    with serving(tmp_path) as server, server.client() as client:
        use = Use(client)
        counts = []
        for times in (10, 100):
            for _ in range(times):
                use()
            counts.append(_objects())
    assert sum(counts[1].values()) - sum(counts[0].values()) < 50, (counts[1] - counts[0]).most_common(10)


_OURS = ("perdure", "asyncio", "anyio", "uvicorn", "starlette", "fastapi", "h11", "pydantic", "sqlalchemy")


def _objects() -> "Counter[str]":
    """How many there are of each class, but those that Python and its library keep a few hundred of in caches."""
    gc.collect()
    gc.collect()  # what the finalizers of the first one let go of
    modules = ((str(type(each).__module__), type(each).__qualname__) for each in gc.get_objects())
    return Counter(f"{module}.{name}" for module, name in modules if module.partition(".")[0] in _OURS)
