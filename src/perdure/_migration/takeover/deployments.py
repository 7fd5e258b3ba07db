"""Deployments with their schedules, work pools and queues. What is here by its name already stays as it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from perdure._migration.takeover.code import Code, code_of
from perdure._migration.takeover.context import Context
from perdure._migration.takeover.rows import rows_of
from perdure._migration.takeover.schedules import schedule_of
from perdure._model.errors import PerdureError
from perdure._model.flow_names import default_name
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.definition import Definition
from perdure._rooms.deployments.due_runs import scheduled
from perdure._rooms.deployments.job_templates import KINDS
from perdure._rooms.deployments.keeping import keep, keep_pool, keep_schedules
from perdure._rooms.deployments.port import (
    DEFAULT_PRIORITY,
    SERVED,
    Deployment,
    Deployments,
    DeploymentVersion,
    Overlap,
    WorkPool,
    WorkQueue,
)
from perdure._rooms.deployments.prefect_options import overlap_of
from perdure._rooms.deployments.signatures import signed_definition, signed_template
from perdure._scheduling.schedule import Schedule

TABLES = ("work_pool", "work_queue", "deployment", "deployment_schedule")
_BY = "taken over from Prefect"
_AGENTS = "prefect-agent"  # a type of pools, whose runs are processes
_DEFAULT_QUEUE = "default"
_UNUSED = ("manifest_path", "infrastructure_document_id", "last_polled", "status")

Rows = dict[str, dict[str, Any]]  # by their ids


def take_deployments(context: Context) -> None:
    """Take work pools and queues, then deployments with their schedules."""
    rows = {table: {str(row["id"]): row for row in rows_of(context, table)} for table in TABLES}
    _take_pools(context, rows["work_pool"])
    _take_queues(context, rows["work_queue"], rows["work_pool"])
    times: dict[str, list[dict[str, Any]]] = {}
    for each in rows["deployment_schedule"].values():
        times.setdefault(str(each["deployment_id"]), []).append(each)
    flows = {str(id): name for id, name in context.source.select("SELECT id, name FROM flow")}
    for row in rows["deployment"].values():
        _take(context, row, flows.get(str(row["flow_id"]), ""), times.get(str(row["id"]), []), rows)


# Work pools


def _take_pools(context: Context, rows: Rows) -> None:
    tally, known = context.tallies["work pools"], {each.name for each in context.target.deployments.pools()}
    for row in rows.values():
        tally.source += 1
        kind = "process" if row.get("type") in (None, _AGENTS) else row["type"]
        paused = system_clock() if row.get("is_paused") else None
        defaults = _known_of(kind, _defaults(row.get("base_job_template") or {}), row["name"], context)
        template = json.dumps(defaults, sort_keys=True)
        if row["name"] in known:
            tally.known += 1
        else:
            tally.new += 1
            if kind not in KINDS:
                what = f"The work pool {row['name']} is of type {kind}"
                context.notes.append(
                    f"{what}: no worker of Perdure takes its runs. Deploy to one of {', '.join(KINDS)}."
                )
            if not context.dry_run:
                pool = WorkPool(row["name"], kind, row.get("concurrency_limit"), paused, template, system_clock())
                keep_pool(signed_template(pool), context.target.deployments)
        tally.found += not context.dry_run


def _defaults(template: Mapping[str, Any]) -> dict[str, object]:
    """What workers start by default: the variables of a base job template that have a value."""
    variables = (template.get("variables") or {}).get("properties") or {}
    return {name: each["default"] for name, each in variables.items() if each.get("default") not in (None, {}, "")}


def _known_of(kind: str, variables: Mapping[str, object], whose: str, context: Context) -> dict[str, Any]:
    """The variables that jobs of this kind have here, too; what is left out is noted."""
    if kind not in KINDS:
        return dict(variables)
    known = KINDS[kind][0]
    gone = sorted(name for name in variables if name not in known)
    if gone:
        context.notes.append(f"Jobs of {whose} have no {', '.join(gone)} here, which is left out.")
    return {name: value for name, value in variables.items() if name in known}


def _take_queues(context: Context, rows: Rows, pools: Rows) -> None:
    tally = context.tallies["work queues"]
    known: dict[str, set[str]] = {}
    for row in rows.values():
        tally.source += 1
        pool = pools.get(str(row.get("work_pool_id")))
        if pool is None:
            tally.kept += 1
            context.kept.add("work_queue", row, "it is of no work pool")
            continue
        name = pool["name"]
        if name not in known:
            known[name] = {each.name for each in context.target.deployments.queues(name)}
        tally.found += not context.dry_run
        if row["name"] in known[name]:
            tally.known += 1
            continue
        tally.new += 1
        if not context.dry_run:
            paused = system_clock() if row.get("is_paused") else None
            context.target.deployments.put_queue(WorkQueue(name, row["name"], row.get("concurrency_limit"), paused))


# Deployments


def _take(context: Context, row: dict[str, Any], flow: str, times: Sequence[dict[str, Any]], rows: Rows) -> None:
    tally, known = context.tallies["deployments"], context.target.deployments
    tally.source += 1
    code = Code({"target": row.get("entrypoint") or ":", "directory": "."}, None)
    there = known.one(str(row["id"])) or _named(flow, None, row, known)
    if there is None and not context.dry_run:  # in a dry run nothing is fetched
        code = code_of(row.get("entrypoint"), row.get("path"), row.get("pull_steps") or (), _storage(context, row))
        there = _named(flow, _own_name(flow, code), row, known)
    of_schedules = context.tallies["deployment schedules"]
    of_schedules.source += len(times)
    if there is not None:
        tally.known += 1
        tally.found += not context.dry_run
        of_schedules.known += len(times)
        of_schedules.found += 0 if context.dry_run else len(times)
        return
    tally.new += 1
    schedules = list(_schedules(context, times, row))
    of_schedules.new += len(schedules)
    if code.hindrance is not None:
        context.notes.append(f"The deployment {flow}/{row['name']} is paused: {code.hindrance}.")
        cells = {"id": row["id"], "name": row["name"], "entrypoint": row.get("entrypoint"), "path": row.get("path")}
        context.kept.add("deployment", cells, f"it is here, and paused: {code.hindrance}")
    if context.dry_run:
        return
    _put(context, row, flow, code, schedules, rows)
    tally.found += 1
    of_schedules.found += len(schedules)


def _put(
    context: Context, row: dict[str, Any], flow: str, code: Code, schedules: Sequence[Schedule], rows: Rows
) -> None:
    now, known = system_clock(), context.target.deployments
    pool, queue, priority = _queue_of(row, flow, rows)
    if not any(each.name == pool for each in known.pools()):
        keep_pool(WorkPool(pool, "process", None, None, "{}", now), known)
    kind = next((each.type for each in known.pools() if each.name == pool), "process")
    job = _job(row.get("job_variables") or row.get("infra_overrides") or {})
    unsigned = _definition(row, code, _known_of(kind, job, f"the deployment {flow}/{row['name']}", context))
    definition = signed_definition(unsigned, flow, row["name"])
    limit, overlap = _limit(context, row)
    is_paused = bool(row.get("paused")) or row.get("is_schedule_active") in (0, False) or code.hindrance is not None
    made = Deployment(
        *(row["id"], flow, row["name"], 1, pool, queue, priority, limit, overlap),
        *(now if is_paused else None, definition.as_json(), now, now),
    )
    version = DeploymentVersion(made.id, 1, definition.digest, definition.as_json(), now, _BY)
    keep(made, version, known, _own_name(flow, code))
    keep_schedules([scheduled(each, made, now) for each in schedules], made, known)


def _own_name(flow: str, code: Code) -> str | None:
    """The name of the function of a flow that was given none; None if it is the flow's own."""
    own = code.function_name
    return own if own is not None and own != flow == default_name(own) else None


def _named(flow: str, own: str | None, row: Mapping[str, Any], known: Deployments) -> Deployment | None:
    """The deployment that is here by the names of the source's, or by that of its flow's function, as earlier ones."""
    there = known.named(flow, row["name"])
    return there if there is not None and there.flow_name in (flow, own) else None


def _definition(row: Mapping[str, Any], code: Code, job: dict[str, Any]) -> Definition:
    description = row.get("description") or None
    if code.hindrance is not None:
        why = f"Taken over from Prefect, and paused: {code.hindrance}."
        description = why if description is None else f"{description}\n\n{why}"
    return Definition(
        entry_point=code.entry_point,
        flow_version=row.get("version"),
        parameters=row.get("parameters") or {},
        schema=row.get("parameter_openapi_schema") or {},
        description=description,
        tags=tuple(sorted(map(str, row.get("tags") or ()))),
        job=job,
    )


def _job(given: Mapping[str, Any]) -> dict[str, object]:
    """Variables of the job; Prefect 2 has those of the environment as "env.NAME", too."""
    job = {name: value for name, value in given.items() if not name.startswith("env.")}
    env = {name.removeprefix("env."): value for name, value in given.items() if name.startswith("env.")}
    return job | ({"env": {**(job.get("env") or {}), **env}} if env else {})


def _limit(context: Context, row: Mapping[str, Any]) -> tuple[int | None, Overlap]:
    limit = row.get("concurrency_limit")
    id = row.get("concurrency_limit_id")
    if limit is None and id is not None:
        found = context.source.select('SELECT "limit" FROM concurrency_limit_v2 WHERE id = ?', (id,))
        limit = found[0][0] if found else None
    strategy = (row.get("concurrency_options") or {}).get("collision_strategy") or "ENQUEUE"
    return (None, "queue") if limit is None or limit < 1 else (limit, overlap_of(strategy))


def _queue_of(row: Mapping[str, object], flow: str, rows: Rows) -> tuple[str, str | None, int]:
    """The work pool, the queue within it, and the priority of its runs."""
    queue = rows["work_queue"].get(str(row.get("work_queue_id")))
    pool = None if queue is None else rows["work_pool"].get(str(queue.get("work_pool_id")))
    if queue is None or pool is None:  # served by a process of its own
        return f"{SERVED}{flow}/{row['name']}", None, DEFAULT_PRIORITY
    is_plain = queue["name"] == _DEFAULT_QUEUE and queue.get("concurrency_limit") is None and not queue.get("is_paused")
    return pool["name"], None if is_plain else queue["name"], queue.get("priority") or DEFAULT_PRIORITY


def _storage(context: Context, row: Mapping[str, object]) -> str | None:
    """The folder of the deployment's storage block, if it is one."""
    id = row.get("storage_document_id")
    block = None if id is None else context.target.block(str(id))
    folder: str | None = None if block is None else json.loads(block.data).get("basepath")
    return folder


def _schedules(context: Context, times: Sequence[dict[str, Any]], row: Mapping[str, object]) -> Iterator[Schedule]:
    tally, slugs = context.tallies["deployment schedules"], list[str]()
    if not times and row.get("schedule"):  # before Prefect 2.16 a deployment had one
        tally.source += 1
        times = [{"schedule": row["schedule"], "active": True}]
    for each in times:
        try:
            made = schedule_of(
                *(each["schedule"] or {}, each.get("slug"), bool(each.get("active", True))),
                each.get("parameters") or {},
            )
        except (PerdureError, KeyError, TypeError, ValueError) as error:
            tally.kept += 1
            context.kept.add("deployment_schedule", each, str(error))
            continue
        before = slugs.count(made.slug)
        slugs.append(made.slug)
        yield replace(made, slug=f"{made.slug}-{before + 1}") if before else made
