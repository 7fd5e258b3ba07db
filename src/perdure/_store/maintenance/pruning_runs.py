"""Retention of runs: pruning old ones, with their tasks, subflows, states, results, inputs and logs.

Runs go by whole trees: an outermost run, and all that is inside it. A tree stays as long as any of it may be needed: it
is not at its end, may be resumed, has a result whose document is kept, or a cache key that refers to it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from perdure._model.state_types import ABANDONED, FINAL, StateType
from perdure._platform.clock import Micros
from perdure._rooms.cache.expiry import has_not_expired
from perdure._store.sql import runs_inside_tasks
from perdure._store.sql.clock_skew import ids_until
from perdure._store.sql.database import Database
from perdure._store.sql.dialect import Dialect
from perdure._store.sql.tags import NO_TAGS, rendered_all

ENDED = (StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED)  # a crashed run may be resumed
_TREES = 2_000  # outermost runs that are looked at together
_GROUP = 5_000  # runs that one transaction removes, and so how long a running flow may have to wait for it
_LEAF = 1_000_000  # the level of what has nothing below it
_LEADING = {"run_id", "flow_run_id", "task_run_id", "item_of", "source_id"}  # columns with the id of a run
_SCHEMA = f"""
{runs_inside_tasks.TABLE};
CREATE TEMP TABLE tree (id <text> PRIMARY KEY, root <text>, level BIGINT)<clustered>;
CREATE TEMP TABLE going (id <text> PRIMARY KEY)<clustered>
"""
_IS_OLD = f"ended < :before AND (state_type IN (<states>) OR state_name = '{ABANDONED}')"
_ROOTS = """
INSERT INTO tree SELECT id, id, 0 FROM {table}
WHERE {parent} IS NULL AND parent_task_run_id IS NULL AND id > :after AND id < :until AND {is_old}
ORDER BY id LIMIT :most
"""
_BELOW = (
    "INSERT INTO tree SELECT flow_run.id, tree.root, :level + 1 FROM tree <join> flow_run"
    " ON flow_run.parent_flow_run_id = tree.id WHERE tree.level = :level ON CONFLICT DO NOTHING",
    "INSERT INTO tree SELECT inside.id, tree.root, :level + 1 FROM tree <join> inside ON inside.parent = tree.id"
    " WHERE tree.level = :level ON CONFLICT DO NOTHING",
)
_TASKS = f"""
INSERT INTO tree SELECT task_run.id, tree.root, {_LEAF} FROM tree <join> task_run ON task_run.flow_run_id = tree.id
WHERE true ON CONFLICT DO NOTHING
"""
_FINAL = ", ".join(f"'{each}'" for each in sorted(FINAL))
_NEEDED = (
    "SELECT root FROM tree <join> flow_run ON flow_run.id = tree.id"
    f" WHERE state_type IS NULL OR state_type NOT IN ({_FINAL})",
    "SELECT root FROM tree <join> txn_step ON txn_step.run_id = tree.id WHERE phase IN ('staged', 'committed')",
)
_KEPT = (
    *(
        f"SELECT root FROM tree <join> result ON result.{column} = tree.id"
        " WHERE result.kind = 'persisted' AND result.removed IS NULL"
        for column in ("run_id", "item_of")
    ),
    "SELECT root FROM tree <join> cache_entry ON cache_entry.run_id = tree.id"
    f" WHERE {has_not_expired('expires', ':now')}",
)
_CHANGED = """
SELECT root FROM tree WHERE NOT EXISTS (SELECT 1 FROM flow_run WHERE flow_run.id = tree.root AND {is_old})
AND NOT EXISTS (SELECT 1 FROM task_run WHERE task_run.id = tree.root AND {is_old})
"""
_NEXT = "INSERT INTO going SELECT id FROM tree ORDER BY root, level DESC, id LIMIT :most"
_PROCESSES = """
DELETE FROM process WHERE beat < :before
AND NOT EXISTS (SELECT 1 FROM flow_start WHERE flow_start.process_id = process.id)
AND NOT EXISTS (SELECT 1 FROM cache_claim WHERE cache_claim.process_id = process.id)
"""


def prune_runs(
    database: Database,
    before: Micros,
    now: Micros,
    *,
    states: Sequence[StateType] = ENDED,
    results: bool = False,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Mapping[str, int]:
    """Remove the outermost runs that ended before a time in one of the states, with all that is in them.

    With `results`, also runs whose results are kept; their documents stay in their storage, and nothing leads to them
    any more. How many rows went, by table; with `dry_run`, how many runs would go. It may be ended at any moment, and
    run again.

    Raises:
        OrchestratorError: the database fails.
    """
    parameters = {"before": before, "now": now, "until": ids_until(before), "most": _TREES}
    listed = ", ".join(f"'{StateType(state)}'" for state in states)
    with closing(_Pruning(database, _IS_OLD.replace("<states>", listed), parameters, results)) as pruning:
        for table, parent in (("flow_run", "parent_flow_run_id"), ("task_run", "flow_run_id")):
            while pruning.find(table, parent):
                pruning.count() if dry_run else pruning.remove(progress)
        if not dry_run:
            pruning.sweep()
    return dict(pruning.gone)


class _Pruning:
    """Some trees at a time, in temporary tables."""

    def __init__(self, database: Database, is_old: str, parameters: Mapping[str, object], results: bool) -> None:
        self._database = database
        self._dialect = Dialect(database)
        self._run = self._dialect.run
        self._is_old, self._parameters = is_old, parameters
        self._stays = _NEEDED if results else (*_NEEDED, *_KEPT)
        self._after = dict.fromkeys(("flow_run", "task_run"), "")
        self.gone: Counter[str] = Counter()
        with database.errors():
            for statement in (*_SCHEMA.strip().split(";\n"), runs_inside_tasks.FILL):
                self._run(statement)

    def close(self) -> None:
        """Close the connection."""
        self._dialect.close()

    def find(self, table: str, parent: str) -> bool:
        """Find the next trees; False if all were looked at."""
        statement = _ROOTS.format(table=table, parent=parent, is_old=self._is_old)
        with self._dialect.transaction(self._database.begin_view):
            self._run("DELETE FROM tree")
            self._run(statement, {**self._parameters, "after": self._after[table]})
            (last,) = self._run("SELECT max(id) FROM tree").fetchone()
            if last is None:
                return False
            self._after[table] = last
            level = 0
            while sum(self._run(below, {"level": level}).rowcount for below in _BELOW) > 0:
                level += 1
            self._database.gather_statistics(self._dialect.connection, "tree", "inside")
            self._run(_TASKS)
            self._database.gather_statistics(self._dialect.connection, "tree", "inside")
            for needed in self._stays:
                self._run(f"DELETE FROM tree WHERE root IN ({needed})", self._parameters)
        return True

    def count(self) -> None:
        """Count the runs that were found."""
        with self._database.errors():
            for table in ("flow_run", "task_run"):
                query = f"SELECT count(*) FROM tree <join> {table} ON {table}.id = tree.id"
                self.gone[table] += self._run(query).fetchone()[0]

    def remove(self, progress: Callable[[int], None] | None) -> None:
        """Remove what was found, the outermost run of a tree last: so the rest is found again if this is ended."""
        changed = f"DELETE FROM tree WHERE root IN ({_CHANGED.format(is_old=self._is_old)})"
        while True:
            with self._dialect.transaction(self._database.begin):
                self._run("DELETE FROM going")
                self._run(changed, self._parameters)
                count = self._run(_NEXT, {"most": _GROUP}).rowcount
                if not count:
                    return
                self._database.gather_statistics(self._dialect.connection, "going")
                self._remove_going()
                self._run("DELETE FROM tree WHERE id IN (SELECT id FROM going)")
            if progress is not None:
                progress(self.gone["flow_run"] + self.gone["task_run"])

    def sweep(self) -> None:
        """Forget processes that nothing is known of any more."""
        with self._dialect.transaction(self._database.begin):
            self.gone["process"] += self._run(_PROCESSES, self._parameters).rowcount

    def _remove_going(self) -> None:
        from perdure._store.sql.tables import metadata

        is_going = "IN (SELECT id FROM going)"
        self._remove_tags()
        transactions = f"SELECT id FROM txn WHERE flow_run_id {is_going}"
        self._remove("txn_value", f"transaction_id IN ({transactions})")
        for name, table in metadata.tables.items():
            for column in _LEADING & set(table.columns.keys()):
                if name not in ("task_run", "run_tag"):
                    self._remove(name, f"{column} {is_going}")
        for name in ("flow_run", "task_run"):
            self._remove(name, f"id {is_going}")

    def _remove(self, table: str, where: str) -> None:
        self.gone[table] += self._run(f"DELETE FROM {table} WHERE {where}").rowcount

    def _remove_tags(self) -> None:
        statement = self._dialect.rendered("DELETE FROM run_tag WHERE of_task = <flag> AND tag = :tag AND run_id = :id")
        for table, of_task in (("flow_run", 0), ("task_run", 1)):
            query = f"SELECT {table}.id, tags FROM going <join> {table} ON {table}.id = going.id WHERE tags <> :none"
            rows = self._run(query, {"none": NO_TAGS}).fetchall()
            parameters = [{"flag": of_task, "tag": tag, "id": id} for id, tags in rows for tag in rendered_all(tags)]
            if parameters:
                self._dialect.connection.executemany(statement, parameters)
                self.gone["run_tag"] += len(parameters)
