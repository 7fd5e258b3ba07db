"""A pruning that is killed at any moment loses nothing that is kept, and the next one finishes its job."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perdure import session, settings
from perdure._results.store import result_from_record, result_record, write_result
from perdure.filesystems import LocalFileSystem
from perdure.records import Record, ResultFilter
from perdure.serializers import PickleSerializer
from perdure.states import StateType
from perdure.testing._sample_records import state, task_run

PROGRAM = Path(__file__).with_name("pruned_home.py")
RESULTS = 2_000
LONG_AGO = 1_000_000_000_000_000


def written(home: Path) -> None:
    """Many results, every other one of them old; one in ten is large and has a payload."""
    storage, serializer = LocalFileSystem(home / "storage"), PickleSerializer()
    id = session.current().storage_id(storage)
    records: list[Record] = []
    for number in range(RESULTS):
        run, size = task_run(), 99_999 if number % 10 in (0, 5) else 9
        result = write_result("x" * size, None, storage, serializer, id, keep=False)
        record = result_record(run.id, True, result, LONG_AGO if number % 2 else session.current().clock())
        records += [run, state(run, StateType.COMPLETED), record]
    session.current().orchestrator.commit(records)


def killed_after(seconds: float) -> bool:
    """Run the program and kill it so long after it began to prune; whether it was not done by then."""
    with subprocess.Popen([sys.executable, str(PROGRAM)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def check_all_that_is_kept() -> None:
    known = session.current().orchestrator
    for record in known.results(ResultFilter(kinds=("persisted",), doomed=False)):
        result_from_record(record).get()


@pytest.mark.slow
def test_a_pruning_that_is_killed_loses_nothing_that_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch):
    written(home)
    monkeypatch.setenv("PERDURE_RESULTS_RETENTION", "1d")
    settings.reload()
    kills = sum(killed_after(random.uniform(0, 0.4)) for _ in range(12))
    assert kills > 0
    check_all_that_is_kept()
    assert subprocess.run([sys.executable, str(PROGRAM)], check=True, capture_output=True).returncode == 0
    check_all_that_is_kept()
    left = {record.storage_key for record in session.current().orchestrator.results(ResultFilter(doomed=False))}
    names = {path.name.partition(".")[0] for path in (home / "storage").iterdir()}
    assert names == left - {None}
