"""A database with a million task runs and as many results, some of each kind rare."""

from collections.abc import Iterator
from contextlib import closing

from perdure._platform.ids import id_at
from perdure._store.sql.database import Connection, Database
from perdure._store.sql.sqlite import SQLite

COUNT = 1_000_000
FLOW_RUNS = 50_000
FIRST = 1_700_000_000_000_000  # microseconds: when the first run was created
STEP = 2_000_000  # between two task runs
STORAGE, RARE_STORAGE = (f"06a3d9f2-0000-7000-8000-00000000000{n}" for n in range(2))
_EACH = COUNT // FLOW_RUNS


def created(number: int) -> int:
    """When a task run was created."""
    return FIRST + number * STEP


def task_id(number: int) -> str:
    """The id of a task run."""
    return f"{id_at(created(number))}-7000-8000-{number:012x}"


def flow_id(number: int) -> str:
    """The id of a flow run, whose first task run comes with it; the first one has half of all task runs."""
    return f"{id_at(created(number * _EACH))}-6000-8000-{number:012x}"


def fill(database: Database) -> None:
    """Write all of it in one transaction, and have the database count what it has.

    The database makes the rows itself, and its indices at the end: it takes a quarter of the time.
    """
    with closing(database.connect()) as connection:
        if isinstance(database, SQLite):
            connection.execute("PRAGMA cache_size = -1000000")  # KiB: else its indices are read again and again
        connection.execute(database.begin)
        indices = _indices(database, connection)
        for name in indices:
            connection.execute(f"DROP INDEX {name}")
        for statement in _statements(database.kind):
            connection.execute(statement)
        for made_again in indices.values():
            connection.execute(made_again)
        database.commit(connection)
        if not isinstance(database, SQLite):  # which plans without counts, and has nothing to give back
            database.reclaim(connection)


def _indices(database: Database, connection: Connection) -> dict[str, str]:
    """The statements that make the indices of the tables, which are not their keys', by name."""
    if isinstance(database, SQLite):
        query = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    else:
        query = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE indexname NOT LIKE '%pkey'"
    tables = ("flow_run", "task_run", "run_tag", "result", "cache_entry")
    return {name: sql for table, name, sql in connection.execute(query).fetchall() if table in tables}


def _statements(kind: str) -> Iterator[str]:
    """What fills the tables, of numbers `n`."""

    def created(step: int) -> str:
        return f"({FIRST} + n * {step})"

    def id(number: str, step: int, digit: int) -> str:
        time = f"(({FIRST} + {number} * {step}) / 1000)"
        parts, ending = (f"{time} / 65536", f"{time} % 65536"), f"-{digit}000-8000-"
        if kind == "sqlite":
            return f"printf('%08x-%04x{ending}%012x', {', '.join(parts)}, {number})"
        digits = [
            f"lpad(to_hex({part}), {count}, '0')" for part, count in zip((*parts, number), (8, 4, 12), strict=True)
        ]
        return f"{digits[0]} || '-' || {digits[1]} || '{ending}' || {digits[2]}"

    def insert(table: str, count: int, columns: dict[str, str], where: str = "TRUE") -> str:
        numbers = (
            f"(WITH RECURSIVE each(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM each WHERE n < {count - 1})"
            " SELECT n FROM each)"
            if kind == "sqlite"
            else f"generate_series(0::bigint, {count - 1}) AS numbers(n)"
        )
        values = f"SELECT {', '.join(columns.values())} FROM {numbers} WHERE {where}"
        return f"INSERT INTO {table} ({', '.join(columns)}) {values}"

    def state(step: int) -> dict[str, str]:
        """Most have completed, one in fifty has failed; seven of the oldest are special."""
        time = created(step)
        of = "CASE WHEN n < 7 THEN '{}' WHEN n % 50 = 0 THEN '{}' ELSE '{}' END".format
        types = of("CRASHED", "FAILED", "COMPLETED"), of("Crashed", "Failed", "Completed")
        times = {"created": time, "state_time": f"{time} + 9", "started": time, "ended": f"{time} + 9"}
        return {"state_type": types[0], "state_name": types[1], **times, "run_count": "1"}

    every = STEP * _EACH
    task_id, flow_id = id("n", STEP, 7), id("n", every, 6)
    # One in five is nightly, and five of the oldest have a tag of their own.
    tags = """CASE WHEN n = 0 THEN '["nightly", "rare"]' WHEN n < 5 THEN '["rare"]'
        WHEN n % 5 = 0 THEN '["nightly"]' ELSE '[]' END"""
    flow = "CASE WHEN n IN (3, 5) THEN 'rare flow' ELSE 'flow ' || (n % 20) END"
    flow_run = {"id": flow_id, "name": "'brisk-owl-' || n", "flow_name": flow, "tags": tags, "parameters": "'{}'"}
    yield insert("flow_run", FLOW_RUNS, flow_run | state(every))
    task = "CASE WHEN n < 9 THEN 'rare task' WHEN n % 3 <> 0 THEN 'common' ELSE 'task ' || (n % 100) END"
    task_run = {
        "id": task_id,
        "name": f"{task} || '-' || n",
        "task_name": task,
        "task_key": f"'flows.' || {task}",
        "flow_run_id": f"CASE WHEN n % 2 = 1 THEN {id('0', every, 6)} ELSE {id(f'(n / {_EACH})', every, 6)} END",
        "tags": tags,
    }
    yield insert("task_run", COUNT, task_run | state(STEP))
    for of_task, run_id, count in ((True, task_id, COUNT), (False, flow_id, FLOW_RUNS)):
        for tag, where in (("nightly", "n % 5 = 0"), ("rare", "n < 5")):
            yield insert("run_tag", count, {"of_task": str(of_task), "tag": f"'{tag}'", "run_id": run_id}, where)
    persisted = "n >= 11 AND n % 4 <> 0"
    mixed = "((n * 2654435761) % 4294967296 + 1000000000000000)"  # 16 digits in no order
    result = {
        "run_id": task_id,
        "of_task": "TRUE",
        "kind": f"CASE WHEN n < 11 THEN 'literal' WHEN {persisted} THEN 'persisted' ELSE 'unpersisted' END",
        "type": "CASE WHEN n < 11 THEN 'rare.Type' WHEN n % 42 = 40 THEN 'pandas.core.frame.DataFrame'"
        " WHEN n % 42 = 41 THEN 'builtins.dict' ELSE 'package.module_' || (n % 42) || '.Class' END",
        "is_exception": "n < 13",
        "created": f"{created(STEP)} + 9",
        "storage_id": f"CASE WHEN {persisted} THEN CASE WHEN n < 20 THEN '{RARE_STORAGE}' ELSE '{STORAGE}' END END",
        "storage_key": f"CASE WHEN {persisted} THEN {mixed} || '' || {mixed} END",
        "size": f"CASE WHEN {persisted} THEN CASE WHEN n < 40 THEN 5000000 ELSE 100 + n % 9000 END END",
        "doomed": f"CASE WHEN n < 15 THEN {FIRST} END",
        "removed": f"CASE WHEN n < 12 THEN {FIRST} END",
    }
    yield insert("result", COUNT, result)
    key = "substr('0123456789abcdef', CAST(n % 16 AS INTEGER) + 1, 1) || '-key-' || n"
    yield insert("cache_entry", COUNT, {'"key"': key, "run_id": task_id, "created": created(STEP)}, "n % 10 = 0")
