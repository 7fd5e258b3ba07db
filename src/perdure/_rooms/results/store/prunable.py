"""Which results may be removed: those that a limit releases, and that nothing needs any more.

They are found for a million results by statements over whole tables. All that is found out lies in temporary tables of
one connection, which are kept on disk once they are large; `verdict` has the results, each with its reason. A document
goes only when all results that lead to it go, so what is pending deletion is a place, not one result. What SQLite and
PostgreSQL write differently stands as <word>: each database says how.
"""

from collections.abc import Mapping

from perdure._model.state_types import ABANDONED
from perdure._rooms.cache.expiry import has_not_expired
from perdure._store.sql import runs_inside_tasks
from perdure._store.sql.dialect import Dialect

TABLES = f"""
CREATE TEMP TABLE verdict (run_id <text> PRIMARY KEY, storage_id <text>, storage_key <text>, size BIGINT,
    created BIGINT, doomed BIGINT, since BIGINT, reason <text>)<clustered>;
CREATE TEMP TABLE active (id <text> PRIMARY KEY)<clustered>;
{runs_inside_tasks.TABLE};
CREATE TEMP TABLE shared (storage_key <text>, storage_id <text>, PRIMARY KEY (storage_key, storage_id))<clustered>;
CREATE TEMP TABLE sharing (storage_key <text>, storage_id <text>, run_id <text>,
    PRIMARY KEY (storage_key, storage_id, run_id))<clustered>;
CREATE TEMP TABLE again (run_id <text> PRIMARY KEY)<clustered>;
CREATE TEMP TABLE counted (run_id <text> PRIMARY KEY, of <text>, run <text>, most BIGINT)<clustered>;
CREATE TEMP TABLE page (storage_key <text>, storage_id <text>, PRIMARY KEY (storage_key, storage_id))<clustered>;
CREATE TEMP TABLE known (storage_id <text>, storage_key <text>, PRIMARY KEY (storage_id, storage_key))<clustered>;
"""
KEPT = "kind = 'persisted' AND removed IS NULL AND storage_id IS NOT NULL AND storage_key IS NOT NULL"
_ENDED = "('COMPLETED', 'FAILED', 'CANCELLED')"  # a crashed run may be resumed

# Runs that have not ended, or may be resumed, and all that is inside them. A task inside a flow run is as that flow
# run is: tasks that were never begun stay pending for ever.
_ACTIVE = f"""
WITH RECURSIVE open (id) AS (
    SELECT id FROM flow_run
    WHERE state_type IS NULL OR (state_type NOT IN {_ENDED} AND state_name <> '{ABANDONED}')
    UNION SELECT id FROM task_run WHERE flow_run_id IS NULL AND coalesce(state_name, '') <> 'NotReady'
        AND (state_type IS NULL OR state_type NOT IN (*ended*, 'CRASHED'))
    <inside open>
) INSERT INTO active SELECT id FROM open
""".replace("(*ended*,", _ENDED[:-1] + ",")
_ACTIVE_TASKS = """
INSERT INTO active
SELECT task_run.id FROM active <join> task_run ON task_run.flow_run_id = active.id WHERE true ON CONFLICT DO NOTHING
"""

_ACTIVE_ITEMS = """
INSERT INTO active
SELECT result.run_id FROM active <join> result ON result.item_of = active.id WHERE true ON CONFLICT DO NOTHING
"""

_SHARED = f"""
INSERT INTO shared SELECT storage_key, storage_id FROM result WHERE {KEPT}
GROUP BY storage_key, storage_id HAVING count(*) > 1
"""
_SHARING = f"""
INSERT INTO sharing SELECT storage_key, storage_id, run_id FROM result
WHERE {KEPT} AND (storage_key, storage_id) IN (SELECT storage_key, storage_id FROM shared)
"""
_AGAIN = """
INSERT INTO again SELECT run_id FROM sharing AS older WHERE EXISTS (
    SELECT 1 FROM sharing AS newer WHERE newer.storage_key = older.storage_key
        AND newer.storage_id = older.storage_id AND newer.run_id > older.run_id)
"""

_ROW = "run_id, storage_id, storage_key, coalesce(size, 0), created, doomed, coalesce(doomed, :now)"
_BY_AGE = f"""
INSERT INTO verdict
SELECT {_ROW}, CASE WHEN created < :now - limit_age THEN 'age' ELSE 'asked' END FROM (
    SELECT *, 1000000 * CASE WHEN retention IS NULL THEN CAST(:age AS double precision) ELSE <age> END AS limit_age
    FROM result WHERE {KEPT}) AS kept
WHERE doomed IS NOT NULL OR created < :now - limit_age
"""
# Of a verdict that is there already, only a reason that says less is replaced.
_OR_REASON = "ON CONFLICT (run_id) DO UPDATE SET reason = excluded.reason WHERE verdict.reason = 'asked'"

# Items are for resuming a generator, and so the flow run that called it.
_SPENT_ITEMS = f"""
INSERT INTO verdict SELECT {_ROW}, 'items' FROM result
WHERE item_of IN (SELECT id FROM flow_run WHERE state_type IN ('COMPLETED', 'CANCELLED')) AND {KEPT} {_OR_REASON}
"""

# Each result with the run that it is counted with: what its retention says, or else the outermost flow run.
_COUNTED = f"""
WITH RECURSIVE tree (id, of, run) AS (
    SELECT id, flow_name, id FROM flow_run WHERE parent_flow_run_id IS NULL
    UNION ALL SELECT flow_run.id, of, run FROM tree <join> flow_run ON flow_run.parent_flow_run_id = tree.id
), outermost AS MATERIALIZED (SELECT id, of, run FROM tree)
INSERT INTO counted
SELECT result.run_id, coalesce('flow ' || outermost.of, 'task ' || task_run.task_name, ''),
    coalesce(outermost.run, result.run_id), CAST(:runs AS bigint)
FROM result LEFT JOIN task_run ON task_run.id = result.run_id
    LEFT JOIN outermost ON outermost.id = coalesce(task_run.flow_run_id, result.item_of, result.run_id)
WHERE {KEPT} AND retention IS NULL AND CAST(:runs AS bigint) IS NOT NULL
"""
_COUNTED_BY_THEMSELVES = f"""
INSERT INTO counted
SELECT run_id, 'of ' || <of>, <run>, <runs>
FROM result WHERE {KEPT} AND retention IS NOT NULL AND <run> IS NOT NULL
"""
_BY_RUNS = f"""
WITH ranks AS MATERIALIZED (
    SELECT of, run, row_number() OVER (PARTITION BY of ORDER BY run DESC) AS place
    FROM (SELECT DISTINCT of, run FROM counted) AS each_run
)
INSERT INTO verdict SELECT {_ROW.replace("run_id", "result.run_id")}, 'runs'
FROM counted JOIN ranks ON ranks.of = counted.of AND ranks.run = counted.run
    JOIN result ON result.run_id = counted.run_id
WHERE place > most {_OR_REASON}
"""
_BY_SIZE = f"""
INSERT INTO verdict SELECT {_ROW}, 'size' FROM (
    SELECT run_id, storage_id, storage_key, size, created, doomed, most,
        sum(CASE WHEN run_id IN (SELECT run_id FROM again) THEN 0 ELSE coalesce(size, 0) END)
            OVER (PARTITION BY of ORDER BY run_id DESC ROWS UNBOUNDED PRECEDING) AS total
    FROM (SELECT *, <of> AS of,
            CASE WHEN retention IS NULL THEN CAST(:size AS bigint) ELSE <size> END AS most
        FROM result WHERE {KEPT}) AS kept
    ) AS summed
WHERE total > most {_OR_REASON}
"""

_SPARED = (
    # To one that is pending deletion, no cache key leads anywhere any more.
    "DELETE FROM verdict WHERE doomed IS NULL"
    f" AND run_id IN (SELECT run_id FROM cache_entry WHERE {has_not_expired('expires', ':now')})",
    "DELETE FROM verdict WHERE run_id IN (SELECT id FROM active)",
    "DELETE FROM verdict WHERE run_id IN (SELECT source_id FROM active <join> run_input ON run_id = active.id)",
    "DELETE FROM verdict WHERE (storage_key, storage_id) IN ("
    " SELECT storage_key, storage_id FROM sharing"
    " WHERE NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.run_id = sharing.run_id))",
)
# A document is removed once the grace period of all results that lead to it is over.
_TOGETHER = """
WITH newest AS MATERIALIZED (
    SELECT sharing.storage_key, sharing.storage_id, max(since) AS since
    FROM sharing <join> verdict ON verdict.run_id = sharing.run_id GROUP BY 1, 2
)
UPDATE verdict SET since = newest.since FROM newest
WHERE newest.storage_key = verdict.storage_key AND newest.storage_id = verdict.storage_id
"""


def find_prunable(dialect: Dialect, parameters: Mapping[str, int | None]) -> None:
    """Put what may be removed into `verdict`, in a transaction of the caller's.

    `parameters` are `now`, and the limits of results that have none of their own: `age`, `runs` and `size`.
    """
    for table in ("verdict", "active", "inside", "shared", "sharing", "again", "counted"):
        dialect.run(f"DELETE FROM {table}")
    for statement in (runs_inside_tasks.FILL, _ACTIVE, _ACTIVE_ITEMS, _ACTIVE_TASKS, _SHARED, _SHARING, _AGAIN):
        dialect.run(statement)
    dialect.database.gather_statistics(dialect.connection, "active", "inside", "shared", "sharing", "again")
    dialect.run(_BY_AGE, parameters)
    dialect.run(_SPENT_ITEMS, parameters)
    own = _own_limits(dialect)
    if parameters["runs"] is not None:
        dialect.run(_COUNTED, parameters)
    if "runs" in own:
        dialect.run(_COUNTED_BY_THEMSELVES)
    dialect.run(_BY_RUNS, parameters)
    if parameters["size"] is not None or "size" in own:
        dialect.run(_BY_SIZE, parameters)
    for statement in (*_SPARED, _TOGETHER):
        dialect.run(statement, parameters)


def _own_limits(dialect: Dialect) -> set[str]:
    """The kinds of limit that any result has of its own."""
    kinds = "<runs> IS NOT NULL, <size> IS NOT NULL"
    rows = dialect.run(f"SELECT DISTINCT {kinds} FROM result WHERE retention IS NOT NULL").fetchall()
    return {name for row in rows for name, is_there in zip(("runs", "size"), row, strict=True) if is_there}
