"""Which results may be removed: found for a million of them by statements over whole tables.

All that is found out lies in temporary tables of one connection, which are kept on disk once they are large.
A document goes only when all results that lead to it go, so results are doomed by place, not one by one. What SQLite
and PostgreSQL spell otherwise stands as <word>: each database says how.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from perdure._model.state_types import ABANDONED
from perdure._platform.clock import Micros
from perdure._rooms.cache.expiry import has_not_expired
from perdure._rooms.results.records import Doomed, Removable
from perdure._store.sql.database import Database, Row
from perdure._store.sql.dialect import Dialect

_GROUP = 10_000  # rows that one transaction changes, and so how long a running flow may have to wait for it
_SCHEMA = """
CREATE TEMP TABLE verdict (run_id <text> PRIMARY KEY, storage_id <text>, storage_key <text>, size BIGINT,
    created BIGINT, doomed BIGINT, since BIGINT, reason <text>)<clustered>;
CREATE TEMP TABLE active (id <text> PRIMARY KEY)<clustered>;
CREATE TEMP TABLE inside (parent <text>, id <text>, PRIMARY KEY (parent, id))<clustered>;
CREATE TEMP TABLE shared (storage_key <text>, storage_id <text>, PRIMARY KEY (storage_key, storage_id))<clustered>;
CREATE TEMP TABLE sharing (storage_key <text>, storage_id <text>, run_id <text>,
    PRIMARY KEY (storage_key, storage_id, run_id))<clustered>;
CREATE TEMP TABLE again (run_id <text> PRIMARY KEY)<clustered>;
CREATE TEMP TABLE counted (run_id <text> PRIMARY KEY, of <text>, run <text>, most BIGINT)<clustered>;
CREATE TEMP TABLE page (storage_key <text>, storage_id <text>, PRIMARY KEY (storage_key, storage_id))<clustered>;
CREATE TEMP TABLE known (storage_id <text>, storage_key <text>, PRIMARY KEY (storage_id, storage_key))<clustered>;
"""
_KEPT = "kind = 'persisted' AND removed IS NULL AND storage_id IS NOT NULL AND storage_key IS NOT NULL"
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
_INSIDE = """
INSERT INTO inside
SELECT parent_task_run_id, id FROM flow_run WHERE parent_flow_run_id IS NULL AND parent_task_run_id IS NOT NULL
UNION ALL
SELECT parent_task_run_id, id FROM task_run WHERE flow_run_id IS NULL AND parent_task_run_id IS NOT NULL
ON CONFLICT DO NOTHING
"""
_ACTIVE_TASKS = """
INSERT INTO active
SELECT task_run.id FROM active <join> task_run ON task_run.flow_run_id = active.id WHERE true ON CONFLICT DO NOTHING
"""

_ACTIVE_ITEMS = """
INSERT INTO active
SELECT result.run_id FROM active <join> result ON result.item_of = active.id WHERE true ON CONFLICT DO NOTHING
"""

_SHARED = f"""
INSERT INTO shared SELECT storage_key, storage_id FROM result WHERE {_KEPT}
GROUP BY storage_key, storage_id HAVING count(*) > 1
"""
_SHARING = f"""
INSERT INTO sharing SELECT storage_key, storage_id, run_id FROM result
WHERE {_KEPT} AND (storage_key, storage_id) IN (SELECT storage_key, storage_id FROM shared)
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
    FROM result WHERE {_KEPT}) AS kept
WHERE doomed IS NOT NULL OR created < :now - limit_age
"""
# Of a verdict that is there already, only a reason that says less is replaced.
_OR_REASON = "ON CONFLICT (run_id) DO UPDATE SET reason = excluded.reason WHERE verdict.reason = 'asked'"

# Items are for resuming a generator, and so the flow run that called it.
_SPENT_ITEMS = f"""
INSERT INTO verdict SELECT {_ROW}, 'items' FROM result
WHERE item_of IN (SELECT id FROM flow_run WHERE state_type IN ('COMPLETED', 'CANCELLED')) AND {_KEPT} {_OR_REASON}
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
WHERE {_KEPT} AND retention IS NULL AND CAST(:runs AS bigint) IS NOT NULL
"""
_COUNTED_BY_THEMSELVES = f"""
INSERT INTO counted
SELECT run_id, 'of ' || <of>, <run>, <runs>
FROM result WHERE {_KEPT} AND retention IS NOT NULL AND <run> IS NOT NULL
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
        FROM result WHERE {_KEPT}) AS kept
    ) AS summed
WHERE total > most {_OR_REASON}
"""

_SPARED = (
    # Of a doomed one, no cache key leads anywhere any more.
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
_TALLY = """
SELECT storage_id, reason, since <= :before AS is_due, count(*), CAST(sum(size) AS bigint) FROM verdict
WHERE run_id NOT IN (SELECT run_id FROM again) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
# A result that was reported since is another one: its time distinguishes it.
_DOOM = """
UPDATE result SET doomed = :now WHERE doomed IS NULL AND run_id IN (
    SELECT verdict.run_id FROM verdict <join> result ON result.run_id = verdict.run_id
    WHERE verdict.run_id > :after AND verdict.run_id <= :last AND verdict.doomed IS NULL
        AND result.created = verdict.created)
"""
_POSTPONE = f"""
UPDATE result SET doomed = :before + 1
WHERE doomed <= :before AND {_KEPT} AND NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.run_id = result.run_id)
"""
_LAST_OF_GROUP = """
SELECT max(run_id) FROM (SELECT run_id FROM verdict WHERE run_id > :after ORDER BY run_id LIMIT :most) AS page
"""
_DUE = f"""
SELECT run_id, storage_id, storage_key, size, digest, doomed,
    coalesce((SELECT reason FROM verdict WHERE verdict.run_id = result.run_id), 'asked') AS reason,
    run_id IN (SELECT run_id FROM again) AS is_again
FROM result WHERE run_id > :after AND doomed <= :before AND {_KEPT} ORDER BY run_id LIMIT :most
"""
_DUE_COLUMNS = "run_id, storage_id, storage_key, size, digest, doomed, reason, is_again"
_KNOWN = f"""
INSERT INTO known
SELECT storage_id, storage_key FROM result WHERE storage_id = :storage AND {_KEPT}
UNION SELECT storage_id, storage_key FROM txn_step
    WHERE storage_id = :storage AND phase = 'staged' AND storage_key IS NOT NULL
ORDER BY storage_key ON CONFLICT DO NOTHING
"""
_PAGE = """
INSERT INTO page <pairs> WHERE true ON CONFLICT DO NOTHING
"""
_LED_TO_AS_KNOWN = """
SELECT page.storage_key, page.storage_id FROM page <join> sharing ON sharing.storage_key = page.storage_key
    AND sharing.storage_id = page.storage_id <join> result ON result.run_id = sharing.run_id
WHERE result.removed IS NULL AND (result.doomed IS NULL OR result.doomed > :before)
"""
_LED_TO = f"""
SELECT DISTINCT storage_key, storage_id FROM result
WHERE (doomed IS NULL OR doomed > :before) AND {_KEPT}
    AND (storage_key, storage_id) IN (SELECT storage_key, storage_id FROM page)
"""


class Pruner:
    """Finds, dooms and marks removed; it has its connection to itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = Dialect(database)
        self._run, self._transaction = self._dialect.run, self._dialect.transaction
        with database.errors():
            for statement in ("<prepare>", *_SCHEMA.strip().split(";\n")):
                self._run(statement)
        self._seen: int | None = None  # the version of the database in which all that is due was compared with all else
        self._known: set[str] = set()

    def doom(self, retention: str | None, now: Micros, before: Micros, dry_run: bool = False) -> Sequence[Doomed]:
        """Mark what the limits release; returns all that is pending deletion, and what of it has been so since
        `before`.

        `retention` is the limits, as JSON, of results that have none of their own.
        """
        limits = {name: json.loads(retention or "{}").get(name) for name in ("age", "runs", "size")}
        times = {"now": now, "before": before}
        with self._transaction(self._database.begin_view):
            self._seen = self._database.writes_seen(self._dialect.connection)
            self._find(limits | times)
            tally = self._run(_TALLY, times).fetchall()
        if not dry_run:
            self._mark(times)
        return [Doomed._make((*row[:2], bool(row[2]), *row[3:])) for row in tally]

    def removable(self, before: Micros) -> Iterator[Sequence[Removable]]:
        """Pages of what was doomed until `before`, oldest first; each is checked again just before it is given."""
        after = ""
        while True:
            parameters = {"after": after, "before": before, "most": _GROUP}
            with self._database.errors():
                due = self._dialect.rendered(_DUE)
                found = self._database.all_rows(self._dialect.connection, _DUE_COLUMNS, due, parameters)
                if not found:
                    return
                led_to = self._led_to(found, before)
            after = max(row[0] for row in found)
            page = [Removable._make((*row[:-1], bool(row[-1]))) for row in found if (row[2], row[1]) not in led_to]
            if page:
                yield page

    def removed(self, results: Iterable[Removable], now: Micros) -> None:
        """Keep that the results' documents are gone."""
        # With a document that is in the row itself.
        self._change("removed = :now, value = NULL", results, now)

    def postpone(self, results: Iterable[Removable], now: Micros) -> None:
        """Let the grace period of the results begin again."""
        self._change("doomed = :now", results, now)

    def storages(self) -> Sequence[str]:
        """The ids of all storages that results were ever written to."""
        with self._database.errors():
            rows = self._run("SELECT DISTINCT storage_id FROM result WHERE storage_id IS NOT NULL").fetchall()
            return [row[0] for row in rows]

    def unknown(self, storage_id: str, keys: Sequence[str]) -> set[str]:
        """Those of the keys in a storage that no result leads to, as things were when it was first asked of it."""
        asked = "SELECT storage_key FROM known WHERE storage_id = :storage AND storage_key IN (<texts>)"
        with self._database.errors():
            if storage_id not in self._known:
                self._known.add(storage_id)
                self._run(_KNOWN, {"storage": storage_id})
            rows = self._run(asked, {"storage": storage_id, "texts": json.dumps(keys)}).fetchall()
            return set(keys) - {row[0] for row in rows}

    def close(self) -> None:
        """Let go of the connection."""
        self._dialect.close()

    def _change(self, change: str, results: Iterable[Removable], now: Micros) -> None:
        ids = [each.run_id for each in results]
        if not ids:
            return
        # A result that was reported since is another one, and is not pending deletion.
        statement = f"UPDATE result SET {change} WHERE doomed IS NOT NULL AND run_id IN (<texts>)"
        with self._transaction(self._database.begin):
            self._run(statement, {"now": now, "texts": json.dumps(ids)})

    def _find(self, parameters: dict[str, int | None]) -> None:
        for table in ("verdict", "active", "inside", "shared", "sharing", "again", "counted"):
            self._run(f"DELETE FROM {table}")
        for statement in (_INSIDE, _ACTIVE, _ACTIVE_ITEMS, _ACTIVE_TASKS, _SHARED, _SHARING, _AGAIN):
            self._run(statement)
        self._database.gather_statistics(self._dialect.connection, "active", "inside", "shared", "sharing", "again")
        self._run(_BY_AGE, parameters)
        self._run(_SPENT_ITEMS, parameters)
        own = self._own_limits()
        if parameters["runs"] is not None:
            self._run(_COUNTED, parameters)
        if "runs" in own:
            self._run(_COUNTED_BY_THEMSELVES)
        self._run(_BY_RUNS, parameters)
        if parameters["size"] is not None or "size" in own:
            self._run(_BY_SIZE, parameters)
        for statement in (*_SPARED, _TOGETHER):
            self._run(statement, parameters)

    def _own_limits(self) -> set[str]:
        """The kinds of limit that any result has of its own."""
        kinds = "<runs> IS NOT NULL, <size> IS NOT NULL"
        rows = self._run(f"SELECT DISTINCT {kinds} FROM result WHERE retention IS NOT NULL").fetchall()
        return {name for row in rows for name, is_there in zip(("runs", "size"), row, strict=True) if is_there}

    def _mark(self, times: dict[str, Micros]) -> None:
        after = ""
        while True:
            with self._transaction(self._database.begin):
                (last,) = self._run(_LAST_OF_GROUP, {"after": after, "most": _GROUP}).fetchone()
                if last is None:
                    self._run(_POSTPONE, times)
                    break
                self._run(_DOOM, {"now": times["now"], "after": after, "last": last})
            after = last

    def _led_to(self, rows: Sequence[Row], before: Micros) -> set[tuple[str, str]]:
        """The places of these results to which one that stays leads by now."""
        seen = self._database.writes_seen(self._dialect.connection)
        is_known = seen is not None and seen == self._seen  # nobody has written since `doom` compared all places
        with self._transaction(self._database.begin_view):
            if is_known and self._run("SELECT 1 FROM sharing LIMIT 1").fetchone() is None:
                return set()
            self._run("DELETE FROM page")
            self._run(_PAGE, {"pairs": json.dumps([(row[2], row[1]) for row in rows])})
            return set(self._run(_LED_TO_AS_KNOWN if is_known else _LED_TO, {"before": before}).fetchall())
