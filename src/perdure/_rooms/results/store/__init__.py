"""Removing results in the database: what may go is pending deletion, and its document goes after a grace period.

Which results may go is found by `prunable`, in whose temporary tables the rest looks, on the same connection.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from perdure._platform.clock import Micros
from perdure._rooms.results.records import Doomed, Removable
from perdure._rooms.results.store.prunable import KEPT, TABLES, find_prunable
from perdure._store.sql.database import Database, Row
from perdure._store.sql.dialect import Dialect

_GROUP = 10_000  # rows that one transaction changes, and so how long a running flow may have to wait for it
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
WHERE doomed <= :before AND {KEPT} AND NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.run_id = result.run_id)
"""
_LAST_OF_GROUP = """
SELECT max(run_id) FROM (SELECT run_id FROM verdict WHERE run_id > :after ORDER BY run_id LIMIT :most) AS page
"""
_DUE = f"""
SELECT run_id, storage_id, storage_key, size, digest, doomed,
    coalesce((SELECT reason FROM verdict WHERE verdict.run_id = result.run_id), 'asked') AS reason,
    run_id IN (SELECT run_id FROM again) AS is_again
FROM result WHERE run_id > :after AND doomed <= :before AND {KEPT} ORDER BY run_id LIMIT :most
"""
_DUE_COLUMNS = "run_id, storage_id, storage_key, size, digest, doomed, reason, is_again"
_KNOWN = f"""
INSERT INTO known
SELECT storage_id, storage_key FROM result WHERE storage_id = :storage AND {KEPT}
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
WHERE (doomed IS NULL OR doomed > :before) AND {KEPT}
    AND (storage_key, storage_id) IN (SELECT storage_key, storage_id FROM page)
"""


class Pruner:
    """Finds, dooms and marks removed; it has its connection to itself."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = Dialect(database)
        self._run, self._transaction = self._dialect.run, self._dialect.transaction
        with database.errors():
            for statement in ("<prepare>", *TABLES.strip().split(";\n")):
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
            find_prunable(self._dialect, limits | times)
            tally = self._run(_TALLY, times).fetchall()
        if not dry_run:
            self._mark(times)
        return [Doomed._make((*row[:2], bool(row[2]), *row[3:])) for row in tally]

    def removable(self, before: Micros) -> Iterator[Sequence[Removable]]:
        """Pages of what is pending deletion since `before` or earlier, oldest first; each is checked once more."""
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
        """Record that the results' documents are gone."""
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
        """Close the connection."""
        self._dialect.close()

    def _change(self, change: str, results: Iterable[Removable], now: Micros) -> None:
        ids = [each.run_id for each in results]
        if not ids:
            return
        # A result that was reported since is another one, and is not pending deletion.
        statement = f"UPDATE result SET {change} WHERE doomed IS NOT NULL AND run_id IN (<texts>)"
        with self._transaction(self._database.begin):
            self._run(statement, {"now": now, "texts": json.dumps(ids)})

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
