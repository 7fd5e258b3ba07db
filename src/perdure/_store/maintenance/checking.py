"""Whether a database is whole: its pages, its tables, and what its rows lead to."""

from collections.abc import Sequence
from contextlib import closing

from perdure._platform.named import NamedTuple
from perdure._store.sql.database import Connection, Database
from perdure._store.sql.tables import metadata

# A table, the column that leads somewhere, and where. A process that was killed may have reported one but not the
# other.
_LEADS = (
    ("task_run", "flow_run_id", "flow_run", "id"),
    ("flow_run", "parent_flow_run_id", "flow_run", "id"),
    ("result", "storage_id", "block", "id"),
    ("cache_entry", "run_id", "result", "run_id"),
    ("run_input", "run_id", None, "id"),
    ("state", "run_id", None, "id"),
    ("decision", "run_id", None, "id"),
    ("run_tag", "run_id", None, "id"),
    ("flow_start", "flow_run_id", "flow_run", "id"),
    ("flow_key", "flow_run_id", "flow_run", "id"),
    ("cancellation", "flow_run_id", "flow_run", "id"),
    ("run_wait", "flow_run_id", "flow_run", "id"),
    ("txn_step", "transaction_id", "txn", "id"),
    ("txn_value", "transaction_id", "txn", "id"),
    ("log", "flow_run_id", "flow_run", "id"),
    ("log", "task_run_id", "task_run", "id"),
)


class Dangling(NamedTuple):
    """Rows of a table that lead to what is not there."""

    table: str
    column: str
    rows: int
    example: str


class Checked(NamedTuple):
    """What was found."""

    damage: Sequence[str]  # of the database itself
    differences: Sequence[str]  # of its tables and indices from the declared ones
    dangling: Sequence[Dangling]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is broken; rows that lead nowhere do no harm."""
        return not self.damage and not self.differences


def check(database: Database) -> Checked:
    """Read all of a database and say what is wrong with it; changes nothing but tables of an older version.

    Raises:
        OrchestratorError: it cannot be read at all.
    """
    with closing(database.connect()) as connection, database.errors():
        damage = database.damage(connection)
        differences = [] if damage else database.differences()
        is_readable = not damage and not differences
        dangling = [found for lead in _LEADS if (found := _dangling(connection, *lead))] if is_readable else []
    return Checked(damage, differences, dangling)


def row_counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has, by its name."""
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in sorted(metadata.tables)}


def _dangling(connection: Connection, table: str, column: str, other: str | None, key: str) -> Dangling | None:
    """Of states and the like, `other` is None: they are of flow runs or of task runs."""
    others = ("flow_run", "task_run") if other is None else (other,)
    missing = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {each} AS there WHERE there.{key} = {table}.{column})" for each in others
    )
    if table == "cache_entry":  # a run that has a result elsewhere, or had none to keep
        missing += " AND NOT EXISTS (SELECT 1 FROM task_run WHERE task_run.id = cache_entry.run_id)"
    query = f"SELECT count(*), min({column}) FROM {table} WHERE {column} IS NOT NULL AND {missing}"
    count, example = connection.execute(query).fetchone()
    return Dangling(table, column, count, example) if count else None
