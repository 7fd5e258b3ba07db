"""Variables and limits; and what there is no place for yet, of which each row is kept."""

from collections.abc import Iterator

from perdure._migration.takeover.context import Context
from perdure._migration.takeover.rows import rows_of
from perdure._migration.takeover.source import from_json, listed, micros
from perdure._model.errors import LimitError, VariableError
from perdure._rooms.limits.records import Limit
from perdure._rooms.runs.records import RunFilter
from perdure._rooms.variables.records import VariableRecord
from perdure._rooms.variables.variable import checked_variable

_TAG = "tag:"  # before the names of Prefect 3's limits of tags
# What there is no place for yet. What is not here, and has rows, is left where it is, and counted.
_KEPT = (
    "deployment_version",
    *("automation", "flow_run_notification_policy", "flow_run_input", "saved_search"),
)
_TAKEN = {
    *("flow_run", "task_run", "flow_run_state", "task_run_state", "log", "artifact", "artifact_collection"),
    *("block_document", "block_document_reference", "block_type", "block_schema", "block_schema_reference"),
    *("deployment", "deployment_schedule", "work_pool", "work_queue"),
    *("variable", "concurrency_limit", "concurrency_limit_v2", "flow", "alembic_version", "configuration"),
}


def take_variables(context: Context) -> None:
    """Take the variables; of one that is here too, the newer value counts."""
    if "variable" not in context.source.columns:
        return
    tally, target = context.tallies["variables"], context.target
    is_json = "json" in context.source.columns["variable"]["value"]
    columns = listed(context.source, "variable", "v", ("tags",))
    query = f"SELECT v.id, v.name, v.value, v.created, v.updated, {columns} FROM variable v ORDER BY v.name"
    for id, name, value, created, updated, tags in context.source.select(query):
        tally.source += 1
        cells = {"id": id, "name": name, "value": value, "tags": from_json(tags)}
        try:
            record = checked_variable(name, from_json(value) if is_json else value, micros(updated))
        except VariableError as error:
            tally.kept += 1
            context.kept.add("variable", cells, str(error))
            continue
        if cells["tags"]:
            context.kept.add("variable", cells, "variables have no tags here; the variable itself is there")
        _take_variable(context, record._replace(created=micros(created)))
        if not context.dry_run:
            tally.found += target.variable(name) is not None


def _take_variable(context: Context, record: VariableRecord) -> None:
    tally, there = context.tallies["variables"], context.target.variable(record.name)
    if there is not None and (there.value == record.value or there.updated >= record.updated):
        tally.known += 1
        return
    tally.new += there is None
    tally.updated += there is not None
    if not context.dry_run:
        context.target.set_variable(record, overwrite=there is not None)


def take_limits(context: Context) -> None:
    """Take the limits of tags and the global ones; those that are here already stay as they are."""
    tally, known = context.tallies["limits"], {limit.name: limit for limit in context.target.limits.all()}
    for table, row, limit, is_active in _limits(context):
        tally.source += 1
        there = known.get(limit.name)
        if not is_active or (there is not None and (there.slots, there.decay) != (limit.slots, limit.decay)):
            tally.kept += 1
            why = "a limit of this name is here with other slots" if is_active else "it is not active"
            context.kept.add(table, row, why)
        elif there is not None:
            tally.known += 1
            tally.found += 1
        elif _put(context, table, row, limit):
            known[limit.name] = limit
            tally.new += 1
            tally.found += not context.dry_run


def _put(context: Context, table: str, row: dict[str, object], limit: Limit) -> bool:
    try:
        if not context.dry_run:
            context.target.limits.put(limit)
    except LimitError as error:
        context.tallies["limits"].kept += 1
        context.kept.add(table, row, str(error))
        return False
    return True


def _limits(context: Context) -> Iterator[tuple[str, dict[str, object], Limit, bool]]:
    if "concurrency_limit" in context.source.columns:
        query = "SELECT tag, concurrency_limit, created FROM concurrency_limit ORDER BY tag"
        for tag, slots, created in context.source.select(query):
            limit = Limit(tag, slots, None, micros(created))
            yield "concurrency_limit", {"tag": tag, "concurrency_limit": slots}, limit, True
    if "concurrency_limit_v2" in context.source.columns:
        query = 'SELECT name, "limit", slot_decay_per_second, active, created FROM concurrency_limit_v2 ORDER BY name'
        for name, slots, decay, active, created in context.source.select(query):
            row = {"name": name, "limit": slots, "slot_decay_per_second": decay, "active": bool(active)}
            limit = Limit(name.removeprefix(_TAG), slots, decay or None, micros(created))
            yield "concurrency_limit_v2", row, limit, bool(active)


def flows_here(context: Context) -> set[str]:
    """The names of the source's flows of which the target has runs."""
    names = [name for (name,) in context.source.select("SELECT name FROM flow")]
    return {name for name in names if context.target.flow_runs(RunFilter(of=name, limit=1))}


def keep_flows(context: Context, before: set[str]) -> None:
    """Flows are here by their runs: keep those without any, and the tags of others. Some were here before."""
    tally, now = context.tallies["flows"], set() if context.dry_run else flows_here(context)
    for row in rows_of(context, "flow"):
        tally.source += 1
        if not context.source.select("SELECT 1 FROM flow_run WHERE flow_id = ? LIMIT 1", (row["id"],)):
            tally.kept += 1
            context.kept.add("flow", row, "it has no runs, and flows are known by their runs here")
            continue
        tally.found += row["name"] in now
        tally.known += row["name"] in before
        tally.new += row["name"] not in before
        if row.get("tags") or row.get("labels"):
            context.kept.add("flow", row, "flows have no tags or labels here; its runs are there")


def keep_others(context: Context) -> None:
    """Keep the rows of what there is no place for yet."""
    for table in _KEPT:
        if not context.count(table):
            continue
        tally = context.tallies[table.replace("_", " ") + "s"]
        for row in rows_of(context, table):
            tally.source += 1
            tally.kept += 1
            context.kept.add(table, row, "there is nothing like it here yet")


def left_behind(context: Context) -> dict[str, int]:
    """How many rows there are in the tables that are not read."""
    names = sorted(context.source.columns.keys() - _TAKEN - set(_KEPT))
    return {name: count for name in names if (count := context.count(name))}
