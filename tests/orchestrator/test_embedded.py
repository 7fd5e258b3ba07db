import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.errors import OrchestratorError
from perdure.records import CacheRecord, RunFilter
from perdure.states import StateType as S
from perdure.testing._sample_records import flow_run, ids, literal, state, task_run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "perdure.db"


@pytest.fixture
def orchestrator(path: Path) -> Iterator[EmbeddedOrchestrator]:
    orchestrator = EmbeddedOrchestrator(path, report_interval_seconds=0.01)
    yield orchestrator
    orchestrator.close()


def count(path: Path, table: str) -> int:
    """The rows that another connection sees."""
    connection = sqlite3.connect(path)
    (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    connection.close()
    return int(rows)


def wait_until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert true()


def test_nothing_is_opened_before_the_first_use(path: Path) -> None:
    EmbeddedOrchestrator(path).close()
    assert not path.exists()


def test_the_directory_is_made(tmp_path: Path) -> None:
    orchestrator = EmbeddedOrchestrator(tmp_path / "not" / "there" / "perdure.db")
    orchestrator.commit([flow_run()])
    orchestrator.close()


def test_what_was_reported_is_committed_soon(path: Path, orchestrator: EmbeddedOrchestrator) -> None:
    orchestrator.commit([flow_run()])
    orchestrator.report([flow_run()])
    wait_until(lambda: count(path, "flow_run") == 2)


def test_what_was_committed_is_seen_by_others(path: Path, orchestrator: EmbeddedOrchestrator) -> None:
    orchestrator.report([flow_run()])
    orchestrator.commit([flow_run()])
    assert count(path, "flow_run") == 2


def test_who_reports_too_much_writes_it(path: Path) -> None:
    orchestrator = EmbeddedOrchestrator(path, report_interval_seconds=60)
    orchestrator.report(flow_run() for _ in range(4_001))
    assert count(path, "flow_run") == 4_001
    orchestrator.close()


def test_committing_and_reading_by_key_need_no_sqlalchemy(path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from perdure.records import CacheRecord, StateRecord
from perdure.states import StateType
from perdure._store.embedded import EmbeddedOrchestrator
orchestrator = EmbeddedOrchestrator(Path({str(path)!r}))
orchestrator.commit([StateRecord("a", True, StateType.RUNNING, "Running", None, 1), CacheRecord("k", "a", 1, None)])
orchestrator.find_cached("k", 2)
orchestrator.states("a")
orchestrator.close()
assert not {{"sqlalchemy", "alembic", "pydantic", "asyncio"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_what_was_reported_is_kept_when_the_process_ends(path: Path) -> None:
    program = f"""
from pathlib import Path
from perdure.records import StateRecord
from perdure.states import StateType
from perdure._store.embedded import EmbeddedOrchestrator
orchestrator = EmbeddedOrchestrator(Path({str(path)!r}), report_interval_seconds=60)
orchestrator.report([StateRecord("a", True, StateType.RUNNING, "Running", None, 1)])
raise SystemExit(0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert count(path, "state") == 1


def test_threads_that_commit_at_once_lose_nothing(path: Path, orchestrator: EmbeddedOrchestrator) -> None:
    def work() -> None:
        for _ in range(20):
            task = task_run()
            orchestrator.report([task, state(task, S.RUNNING)])
            orchestrator.commit([state(task, S.COMPLETED)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(path, "state") == 8 * 20 * 2
    assert {run.state_type for run in orchestrator.task_runs(RunFilter())} == {S.COMPLETED}


def test_a_cached_result_of_another_process_is_found(path: Path, orchestrator: EmbeddedOrchestrator) -> None:
    assert orchestrator.find_cached("key", 0) is None
    other, result = EmbeddedOrchestrator(path), literal(task_run())
    other.commit([result, CacheRecord("key", result.run_id, 0, None)])
    other.close()
    assert orchestrator.find_cached("key", 0) == result


def test_a_closed_orchestrator_says_so(orchestrator: EmbeddedOrchestrator) -> None:
    orchestrator.close()
    with pytest.raises(OrchestratorError, match="closed and takes no more records"):
        orchestrator.report([flow_run()])
    with pytest.raises(OrchestratorError, match="closed and answers no more questions"):
        orchestrator.find_cached("key", 0)


def test_closing_ends_the_thread(orchestrator: EmbeddedOrchestrator) -> None:
    before = threading.active_count()
    orchestrator.report([flow_run()])
    assert threading.active_count() == before + 1
    orchestrator.close()
    assert threading.active_count() == before


def test_a_database_that_stays_locked_is_named_and_loses_nothing(path: Path) -> None:
    orchestrator = EmbeddedOrchestrator(path, timeout_seconds=0.05)
    orchestrator.commit([flow_run()])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(OrchestratorError, match=r"kept the database .*perdure\.db locked for 0\.05 seconds"):
        orchestrator.commit([flow_run()])
    holder.execute("ROLLBACK")
    holder.close()
    orchestrator.flush()
    assert count(path, "flow_run") == 2
    orchestrator.close()


def test_a_full_disk_is_named_and_what_waited_is_written_later(path: Path) -> None:
    orchestrator = EmbeddedOrchestrator(path, report_interval_seconds=0.01)
    orchestrator.commit([flow_run()])
    connection = orchestrator._writer._connected()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")  # what SQLite answers with the code for a full disk
    runs = [flow_run(parameters="x" * 5_000) for _ in range(9)]
    with pytest.raises(OrchestratorError, match=r"perdure\.db failed: .* is full\. The disk is full\. Free some space"):
        orchestrator.commit(runs)
    connection.execute("PRAGMA max_page_count = 100000")
    later = flow_run()
    orchestrator.report([later])
    assert ids(orchestrator.flow_runs(RunFilter(limit=10))) == ids([*runs, later])[::-1]
    orchestrator.close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    orchestrator = EmbeddedOrchestrator(tmp_path / "file" / "perdure.db")
    orchestrator.report([])
    with pytest.raises(OrchestratorError, match=r"file/perdure\.db cannot be made: .* Make its parent writable"):
        orchestrator.flow_runs(RunFilter())
    orchestrator.close()


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(OrchestratorError, match=r"failed: unable to open database file\. Make it and its directory"):
        EmbeddedOrchestrator(tmp_path).flow_runs(RunFilter())


# The signal may come while a destructor runs, where Python can only report what is raised.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_commit_neither_loses_nor_doubles(orchestrator: EmbeddedOrchestrator, path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    moments = random.Random(7)
    committed, reported = set(), set()
    orchestrator.commit([flow_run()])
    for _ in range(200):
        reported.add((task := task_run()).id)
        try:
            signal.setitimer(signal.ITIMER_REAL, moments.uniform(10e-6, 1e-3))
            orchestrator.commit([state(task, S.RUNNING)])
            signal.setitimer(signal.ITIMER_REAL, 0)
            committed.add(task.id)
        except KeyboardInterrupt:
            pass
    signal.signal(signal.SIGALRM, before)
    orchestrator.flush()
    runs = orchestrator.task_runs(RunFilter())
    assert committed <= set(ids(runs)) <= reported
    assert {run.run_count for run in runs} == {1}
    assert count(path, "state") == len(runs)


def test_what_is_no_record_is_refused(orchestrator: EmbeddedOrchestrator) -> None:
    orchestrator.report(["no record"])  # type: ignore[list-item]
    with pytest.raises(OrchestratorError, match="1 records were refused by the database; the first: 'no record'"):
        orchestrator.close()
    orchestrator.close()


def test_a_refused_record_is_named_and_stops_no_other(orchestrator: EmbeddedOrchestrator) -> None:
    good, bad = flow_run(), flow_run(created=2**70)
    with pytest.raises(OrchestratorError, match=rf"1 records were refused by the database; the first: .*{bad.id}"):
        orchestrator.commit([bad, good])
    assert ids(orchestrator.flow_runs(RunFilter())) == [good.id]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_begins_with_nothing_of_its_parents(path: Path) -> None:
    orchestrator = EmbeddedOrchestrator(path, report_interval_seconds=60)
    orchestrator.commit([flow_run()])
    orchestrator.find_cached("key", 0)
    orchestrator.report([flow_run()])
    child = os.fork()
    if child == 0:
        try:
            orchestrator.commit([flow_run()])
            orchestrator.find_cached("key", 0)
            orchestrator.close()
            os._exit(count(path, "flow_run"))
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    orchestrator.close()
    assert count(path, "flow_run") == 3
