"""A database with a million task runs and as many results, some of each kind rare."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

from perdure._platform.ids import id_at
from perdure._store.sql.database import Database
from perdure._store.sql.sqlite import SQLite
from perdure._store.sql.tables import metadata

COUNT = 1_000_000
FLOW_RUNS = 50_000
FIRST = 1_700_000_000_000_000  # microseconds: when the first run was created
STEP = 2_000_000  # between two task runs
STORAGE, RARE_STORAGE = (f"06a3d9f2-0000-7000-8000-00000000000{n}" for n in range(2))
_BATCH = 20_000
_TYPES = [*(f"package.module_{n}.Class" for n in range(40)), "pandas.core.frame.DataFrame", "builtins.dict"]


def created(number: int) -> int:
    """When a task run was created."""
    return FIRST + number * STEP


def task_id(number: int) -> str:
    """The id of a task run."""
    return f"{id_at(created(number))}-7000-8000-{number:012x}"


def flow_id(number: int) -> str:
    """The id of a flow run, whose first task run comes with it; the first one has half of all task runs."""
    return f"{id_at(created(number * (COUNT // FLOW_RUNS)))}-6000-8000-{number:012x}"


def flow_of(number: int) -> int:
    """The number of the flow run that a task run is in."""
    return 0 if number % 2 else number // (COUNT // FLOW_RUNS)


def state_of(number: int) -> str:
    """Most have completed, one in fifty has failed; seven of the oldest are special."""
    if number < 7:
        return "CRASHED"
    return "FAILED" if number % 50 == 0 else "COMPLETED"


def tags_of(number: int) -> list[str]:
    """One in five is nightly, and five of the oldest have a tag of their own."""
    return [*(["nightly"] if number % 5 == 0 else []), *(["rare"] if number < 5 else [])]


def _state(number: int) -> tuple[object, ...]:
    state, time = state_of(number), created(number)
    return state, state.capitalize(), None, time + 9, time, time + 9, 1


def _flow_runs() -> Iterator[tuple[object, ...]]:
    for number in range(FLOW_RUNS):
        name = "rare flow" if number in (3, 5) else f"flow {number % 20}"
        head = (flow_id(number), f"brisk-owl-{number}", name, None, None, None, _spelled(tags_of(number)), "{}")
        yield *head, created(number * (COUNT // FLOW_RUNS)), *_state(number)


def _task_runs() -> Iterator[tuple[object, ...]]:
    for number in range(COUNT):
        task = "rare task" if number < 9 else "common" if number % 3 else f"task {number % 100}"
        head = (task_id(number), f"{task}-{number}", task, f"flows.{task}", flow_id(flow_of(number)), None)
        yield *head, _spelled(tags_of(number)), created(number), *_state(number)


def _spelled(tags: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{tag}"' for tag in tags) + "]"


def _tags() -> Iterator[tuple[object, ...]]:
    yield from ((True, tag, task_id(number)) for number in range(COUNT) for tag in tags_of(number))
    yield from ((False, tag, flow_id(number)) for number in range(FLOW_RUNS) for tag in tags_of(number))


def _results() -> Iterator[tuple[object, ...]]:
    columns = _columns("result")
    for number in range(COUNT):
        id, is_rare = task_id(number), number < 11
        kind = "literal" if is_rare else "persisted" if number % 4 else "unpersisted"
        type = "rare.Type" if is_rare else _TYPES[number % len(_TYPES)]
        persisted = kind == "persisted"
        storage = (RARE_STORAGE if number < 20 else STORAGE) if persisted else None
        size = None if not persisted else 5_000_000 if number < 40 else 100 + number % 9_000
        row = {
            "run_id": id,
            "of_task": True,
            "kind": kind,
            "type": type,
            "is_exception": number < 13,
            "created": created(number) + 9,
            "storage_id": storage,
            "storage_key": f"{hash(id) & (2**64 - 1):016x}{number:016x}" if persisted else None,
            "size": size,
            "doomed": FIRST if number < 15 else None,
            "removed": FIRST if number < 12 else None,
        }
        yield tuple(map(row.get, columns))


def _cache_entries() -> Iterator[tuple[object, ...]]:
    for number in range(0, COUNT, 10):
        yield f"{number % 16:x}-key-{number}", task_id(number), created(number), None, None


def _columns(table: str) -> list[str]:
    return [column.name for column in metadata.tables[table].columns]


_ROWS = {
    "flow_run": _flow_runs,
    "task_run": _task_runs,
    "run_tag": _tags,
    "result": _results,
    "cache_entry": _cache_entries,
}


def fill(database: Database) -> None:
    """Write all of it in one transaction, and have the database count what it has."""
    with closing(database.connect()) as connection:
        if isinstance(database, SQLite):
            connection.execute("PRAGMA cache_size = -1000000")  # KiB: else its indices are read again and again
        connection.execute(database.begin)
        for table, made in _ROWS.items():
            rows = made()
            while batch := list(islice(rows, _BATCH)):
                database.load(connection, table, _columns(table), batch)
        database.commit(connection)
        database.reclaim(connection)
