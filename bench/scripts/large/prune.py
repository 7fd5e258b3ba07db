"""A million old results with their files: the files alone, unlinked by as many threads, and a prune."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from duel import FOLDER, show, timed

os.environ["PERDURE_HOME"] = str(FOLDER / "home")
os.environ["PERDURE_RESULTS_RETENTION"] = "1d"

from perdure import session
from perdure._results.document import digest_of, encode
from perdure._results.keys import new_key
from perdure._results.store import result_record
from perdure.filesystems import LocalFileSystem
from perdure.records import Record
from perdure.results import PersistedResult
from perdure.states import StateType
from perdure.testing._sample_records import state, task_run

RESULTS = int(os.environ.get("BENCH_PRUNE_RESULTS", "1000000"))
GROUP = 5_000
THREADS = 32  # as many as prune has: each unlink waits for the disk to take note of the free block
LONG_AGO = 1_000_000_000_000_000
SERIALIZER = '{"type": "pickle", "picklelib": "cloudpickle"}'
DATA = b"x" * 100
DIGEST = digest_of(DATA)
PRUNE = """
from pathlib import Path
from perdure.results import prune
prune(grace=0)
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


def files(folder: Path) -> list[str]:
    """Write a document for each result, as runs do: under new keys in one directory."""
    storage, names = LocalFileSystem(folder), [new_key() for _ in range(RESULTS)]
    for name in names:
        storage.create(name, encode(SERIALIZER, DATA, DIGEST, "bytes", key=name))
    return names


def tell(names: list[str], folder: Path) -> None:
    """Have the database know of a task run and its result for each file."""
    current = session.current()
    id = current.storage_id(LocalFileSystem(folder))
    for start in range(0, len(names), GROUP):
        records: list[Record] = []
        for name in names[start : start + GROUP]:
            run = task_run()
            result = PersistedResult[bytes](
                storage_id=id, storage_key=name, serializer=SERIALIZER, python_type="bytes", size=400, digest=DIGEST
            )
            records += [run, state(run, StateType.COMPLETED), result_record(run.id, True, result, LONG_AGO)]
        current.orchestrator.commit(records)
    session.close()


def unlink_all(folder: Path, names: list[str]) -> None:
    descriptor = os.open(folder, os.O_RDONLY)

    def unlink(start: int) -> None:
        for name in names[start::THREADS]:
            os.unlink(name, dir_fd=descriptor)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(unlink, range(THREADS)))
    os.close(descriptor)


def prune() -> float:
    """Prune in a process of its own; its peak memory in MiB, from when it had its own memory on."""
    return int(subprocess.run([sys.executable, "-c", PRUNE], check=True, capture_output=True).stdout) / 1024


bare = files(FOLDER / "files")
tell(files(FOLDER / "pruned"), FOLDER / "pruned")
os.sync()
theirs = timed(lambda: unlink_all(FOLDER / "files", bare))
peaks: list[float] = []
ours = timed(lambda: peaks.append(prune()))
assert next((FOLDER / "pruned").iterdir(), None) is None
show(prune=(theirs, ours), prune_memory=(100.0, peaks[0]))
