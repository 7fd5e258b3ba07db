"""`perdure deployment`: flows that start by their name, and at their times."""

import json
import socket
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from perdure._execution.deployment_runs import run_deployment, run_now
from perdure._execution.deployments import deployer
from perdure._model.errors import DeploymentError, DeploymentMissing, PerdureError
from perdure._platform.clock import from_datetime, system_clock
from perdure._rooms.deployments.code_origin import what_is_missing
from perdure._rooms.deployments.definition import Definition, definition_of_text
from perdure._rooms.deployments.due_runs import resume_schedules, upcoming
from perdure._rooms.deployments.port import Deployment, DeploymentVersion, QueuedRun, QueueFilter, ScheduleRecord
from perdure._rooms.deployments.runs import deployment_named
from perdure._rooms.deployments.serving import has_program, is_served
from perdure._rooms.deployments.signatures import schedule_shown
from perdure._rooms.deployments.versions import changes, chosen, code_shown, first_alike, rolled_back
from perdure._rooms.runs.records import FlowRun, RunFilter
from perdure._session import session
from perdure._settings import settings
from perdure._store.protocol import Orchestrator
from perdure.cli import completion, find
from perdure.cli.deployment_prune import prune
from perdure.cli.deployment_waiting import waiting_text
from perdure.cli.fetched_code import placed
from perdure.cli.groups import MOST, AsJson, json_object, new_group
from perdure.cli.json_shapes import run_shape
from perdure.cli.output import (
    NOTHING,
    Column,
    Row,
    facts,
    full_time,
    iso,
    jsonable,
    note,
    plural,
    say,
    section,
    short_time,
    show,
    show_json,
    state_text,
    table,
)
from perdure.cli.run import EXIT_CODES, Ended, show_ended, value_of
from perdure.cli.runs import result_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

app = new_group("List deployments, look into one, run one, pause or delete one.")
_VERSIONS_SHOWN = 10
_DOWN = "Nothing serves {}: start its program again. What its schedules missed is caught up with then, as they say."

Which = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.deployments,
        help="A deployment: FLOW/NAME, or its name if no other has it.",
    ),
]
Slug = Annotated[str | None, typer.Option("--schedule", metavar="SLUG", help="Only this schedule of it.")]


def _known() -> Orchestrator:
    return find.orchestrator()


@app.command()
def ls(
    flow: Annotated[
        str | None,
        typer.Option("--flow", metavar="NAME", autocompletion=completion.flows, help="Only those of this flow."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List deployments, with when they run next and how they ran last."""
    every = _known().deployments.all(flow)
    if as_json:
        show_json([_shape(each) for each in every])
    elif not every:
        show("There are no deployments.")
        show(note("my_flow.serve(name='nightly', cron='0 6 * * *') makes one, and runs it."))
    else:
        columns = [Column("deployment"), Column("when"), Column("next", whole=True), Column("last", whole=True)]
        columns.append(Column("pool"))
        programs = {each.id: _has_program(each) for each in every}
        show(table(columns, [_row(each, programs[each.id]) for each in every]))
        down = [each for each in every if programs[each.id] is False]
        if down:
            show(note(_DOWN.format(full_name(down[0]))))


def _has_program(of: Deployment) -> bool | None:
    """Whether the program that serves a deployment runs; None of one that workers of a work pool run."""
    if not is_served(of.work_pool):
        return None
    workers = _known().deployments.workers(of.work_pool)
    return has_program(of, workers, system_clock(), settings.current().lease_seconds)


def _row(of: Deployment, program: bool | None) -> Row:
    schedules = _known().deployments.schedules(of.id)
    times = ", ".join(when(each) for each in schedules) or "by hand"
    coming = [] if of.paused else upcoming(schedules, 1, system_clock())
    stands = "paused" if of.paused else "not served" if program is False else None
    next_one = stands or (short_time(from_datetime(coming[0][0])) if coming else NOTHING)
    last = _last(of)
    return (full_name(of), times, next_one, NOTHING if last is None else last, of.work_pool)


def _last(of: Deployment) -> "Text | None":
    known = _known()
    queued = known.deployments.queued(QueueFilter(deployment_id=of.id, before=system_clock() + 1, limit=1))
    runs = known.flow_runs(RunFilter(ids=tuple(each.flow_run_id for each in queued))) if queued else ()
    return next((state_text(run.state_type, run.state_name) for run in runs), None)


def full_name(of: Deployment) -> str:
    """What a deployment is known by."""
    return f"{of.flow_name}/{of.name}"


def when(schedule: ScheduleRecord) -> str:
    """A schedule in a few words."""
    rule = json.loads(schedule.definition)
    text = rule.get("cron") or rule.get("rrule") or f"every {_span(rule.get('interval', 0))}"
    zone = rule.get("timezone", "UTC")
    shown = text if zone == "UTC" else f"{text} {zone}"
    return f"{shown} (paused)" if schedule.paused else shown


def _span(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


@app.command()
def inspect(name: Which, as_json: AsJson = False) -> None:
    """Show a deployment: its schedules, what its runs are given, its versions, its runs."""
    of = deployment_named(name, _known())
    if as_json:
        show_json(_shape(of) | _details(of))
        return
    definition = definition_of_text(of.definition)
    show(full_name(of))
    about: list[tuple[str, str | Text | None]] = [
        ("description", definition.description),
        ("flow", definition.entry_point.get("target")),
        ("code", code_shown(definition)),
        ("version", f"{of.version}, since {full_time(of.updated)}"),
        ("paused", None if of.paused is None else f"since {full_time(of.paused)}"),
        ("served", "no: its program does not run" if _has_program(of) is False else None),
        ("waiting", waiting_text(of, _known().deployments)),
        ("work pool", of.work_pool if of.work_queue is None else f"{of.work_pool}, queue {of.work_queue}"),
        ("at once", None if of.concurrency_limit is None else f"{of.concurrency_limit}, then {of.overlap}"),
        ("priority", str(of.priority)),
        ("tags", ", ".join(definition.tags) or None),
        ("parameters", json.dumps(definition.parameters) if definition.parameters else None),
        ("partitions", json.dumps(definition.partitions) if definition.partitions else None),
    ]
    show(facts([(title, value) for title, value in about if value]))
    schedules = _known().deployments.schedules(of.id)
    if schedules:
        coming = upcoming(schedules, 3, system_clock())
        show(section("Schedules"), *(f"  {each.slug}: {when(each)}" for each in schedules))
        show("  next: " + (", ".join(short_time(from_datetime(tick)) for tick, _ in coming) or "never"))
    queued = _known().deployments.queued(QueueFilter(deployment_id=of.id, limit=10))
    if queued:
        show(section("Runs"), _runs(queued))
    versions = _known().deployments.versions(of.id)
    show(section("Versions"), *(_version_line(each, versions) for each in versions[:_VERSIONS_SHOWN]))
    if len(versions) > _VERSIONS_SHOWN:
        show(note(f"perdure deployment inspect {full_name(of)} --json  shows all {len(versions)}"))


def _version_line(each: DeploymentVersion, versions: Sequence[DeploymentVersion]) -> str:
    first, code = first_alike(each, versions), code_shown(definition_of_text(each.definition))
    again = "" if first.number == each.number else f", as version {first.number}"
    return f"  {each.number}  {full_time(each.created)}  by {each.created_by}{again}" + (f"  {code}" if code else "")


def _runs(queued: Sequence[QueuedRun]) -> "Table":
    runs = {run.id: run for run in _known().flow_runs(RunFilter(ids=tuple(each.flow_run_id for each in queued)))}
    columns = [Column("state", whole=True), Column("name"), Column("due", whole=True), Column("id", style="dim")]
    rows = [
        (state_text(run.state_type, run.state_name), run.name, short_time(each.due), run.id)
        for each in queued
        if (run := runs.get(each.flow_run_id)) is not None
    ]
    return table(columns, rows)


@app.command()
def run(
    name: Which,
    pairs: Annotated[
        list[str],
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter: JSON if it is that, else text."),
    ] = [],  # noqa: B006 - typer copies it
    document: Annotated[str | None, typer.Option("--params", metavar="JSON", help="All as one JSON object.")] = None,
    at: Annotated[
        datetime | None, typer.Option("--at", metavar="TIME", help="When it is to begin: 2026-05-01T06:00:00, local.")
    ] = None,
    partition: Annotated[str | None, typer.Option("--partition", metavar="KEY", help="What it is about.")] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", min=0, max=1_000_000, help="Lower ones begin first.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Exit as `perdure run`, at its end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a run of a deployment: a worker begins it."""
    of = deployment_named(name, _known())
    asked = run_deployment(
        full_name(of),
        _parameters(pairs, document, definition_of_text(of.definition)),
        scheduled_time=None if at is None else at.astimezone(),
        timeout=None if wait else 0,
        poll_interval=1.0,
        partition=partition,
        priority=priority,
    )
    made = run_now(asked.id, session.current())
    if wait:
        _show_end(Ended(made, asked.state, EXIT_CODES.get(asked.state.type, 0)), made, as_json)
    elif as_json:
        show_json(run_shape(made))
    else:
        line = state_text(made.state_type, made.state_name)
        show(line.append(f"  {made.name}", style="bold default"))
        if _has_program(of) is False:
            say(f"Nothing serves {full_name(of)}: the run waits until its program is started again.")
        show(note(f"perdure flow-run watch {made.id}"))


def _show_end(ended: Ended, run: FlowRun, as_json: bool) -> None:
    """How a run has ended, with its value where it was kept; exits as `perdure run`."""
    if as_json:
        show_json(run_shape(run) | {"value": jsonable(value_of(ended))})
    else:
        show_ended(run.flow_name, ended)
        result = result_of(run)
        if ended.state.is_completed() and result is not None and result.kind == "unpersisted":
            show(note("Its value was not persisted: persist_result=True on the flow keeps it."))
    raise typer.Exit(ended.exit_code)


def _parameters(pairs: Sequence[str], document: str | None, definition: Definition) -> dict[str, object]:
    parameters: dict[str, object] = {} if document is None else json_object(document)
    shapes = definition.schema.get("properties", {})
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign:
            raise typer.BadParameter(f"{pair!r} has no '='. Write it as {key}=VALUE.", param_hint="--param")
        parameters[key] = text if shapes.get(key, {}).get("type") == "string" else _value(text)
    return parameters


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


@app.command()
def pause(name: Which, schedule: Slug = None, as_json: AsJson = False) -> None:
    """Have a deployment's schedules, or one of them, make no runs; by hand it runs still."""
    of = deployment_named(name, _known())
    _pause(of, schedule, system_clock())
    _say(of, "Paused", schedule, as_json)


@app.command()
def resume(name: Which, schedule: Slug = None, as_json: AsJson = False) -> None:
    """Have a deployment's schedules, or one of them, make runs again; what came meanwhile is passed over."""
    of = deployment_named(name, _known())
    records = [each for each in _known().deployments.schedules(of.id) if schedule in (None, each.slug)]
    resume_schedules(records, system_clock(), _known())
    _pause(of, schedule, None)
    _say(of, "Resumed", schedule, as_json)


def _pause(of: Deployment, slug: str | None, since: int | None) -> None:
    known = _known().deployments
    if slug is None:
        known.pause(of.id, since)
    elif not known.pause_schedule(of.id, slug, since):
        slugs = ", ".join(each.slug for each in known.schedules(of.id)) or "none"
        raise DeploymentMissing(f"{full_name(of)} has no schedule {slug!r}. It has: {slugs}.")


@app.command()
def rollback(
    name: Which,
    version: Annotated[
        int | None, typer.Argument(metavar="VERSION", min=1, max=MOST, help="The one before, by default.")
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Do not look whether its code is there: only its workers have it.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an earlier version of a deployment the newest one: runs from now on are made of it."""
    of, deployments = deployment_named(name, _known()), _known().deployments
    if dry_run:
        _show_changes(of, chosen(of, version, deployments.versions(of.id)), as_json)
        return
    check = partial(_check_code, of) if not no_check else lambda _: None
    to, kept = rolled_back(of, version, deployer(), system_clock(), deployments, check)
    if as_json:
        show_json(_shape(kept))
    elif kept == of:
        show(f"{full_name(of)} is as in version {to.number} already: nothing has changed.")
    else:
        show(f"{full_name(of)} is as in version {to.number} again: that is version {kept.version}.")
        _say_whose_code(definition_of_text(of.definition), definition_of_text(to.definition))


def _say_whose_code(before: Definition, after: Definition) -> None:
    """Say that a file's code does not go back, where it was other code."""
    if code_shown(after) is None and before.flow_version != after.flow_version:
        target = after.entry_point["target"].rpartition(":")[0]
        show(note(f"{target} is run as it is now: only code from a repository or in a bundle goes back."))


def _show_changes(of: Deployment, to: DeploymentVersion, as_json: bool) -> None:
    found = changes(of, to)
    if as_json:
        show_json({"version": to.number, "current": of.version, "changes": [each._asdict() for each in found]})
    elif not found:
        show(f"{full_name(of)} is as in version {to.number} already.")
    else:
        show(f"From version {of.version} to what version {to.number} was:")
        rows = [(each.name, _shown(each.before), _shown(each.after)) for each in found]
        show(table([Column("what"), Column("now"), Column("then")], rows))


def _shown(value: object) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def _check_code(of: Deployment, version: DeploymentVersion) -> None:
    """Refuse a version whose code is gone, before anything changes."""
    entry = definition_of_text(version.definition).entry_point
    pool = next((each for each in _known().deployments.pools() if each.name == of.work_pool), None)
    # A file is whatever it is where workers are: here, if the version was deployed from here, and runs in processes.
    is_here = version.created_by.rpartition("@")[2] == socket.gethostname() and (pool is None or pool.type == "process")
    try:
        missing = what_is_missing(placed(entry)) if "source" in entry or is_here else None
    except PerdureError as error:
        missing = str(error)
    if missing is not None:
        raise DeploymentError(
            f"{full_name(of)} stays in version {of.version}: the code of version {version.number} is not there."
            f" {missing[:1].upper()}{missing[1:].rstrip('.')}. Deploy the code anew; or, if the workers have it, give"
            " --no-check."
        )


app.command()(prune)


@app.command()
def delete(name: Which, as_json: AsJson = False) -> None:
    """Delete a deployment with its schedules; runs of it that have not begun are cancelled, all others stay."""
    of = deployment_named(name, _known())
    cancelled = len(_known().deployments.delete(of.id, system_clock()) or ())
    if as_json:
        show_json({"name": full_name(of), "deleted": True, "cancelled": cancelled})
    else:
        runs = f", and cancelled {plural(cancelled, 'run')}" if cancelled else ""
        show(f"Deleted the deployment {full_name(of)!r}{runs}.")


def _say(of: Deployment, done: str, slug: str | None, as_json: bool) -> None:
    kept = _known().deployments.one(of.id) or of
    if as_json:
        show_json(_shape(kept))
    else:
        what = "the deployment" if slug is None else f"the schedule {slug!r} of"
        show(f"{done} {what} {full_name(of)!r}.")


def _shape(of: Deployment) -> dict[str, object]:
    schedules = _known().deployments.schedules(of.id)
    coming = [] if of.paused else upcoming(schedules, 1, system_clock())
    return {
        "id": of.id,
        "name": full_name(of),
        "flow_name": of.flow_name,
        "version": of.version,
        "work_pool": of.work_pool,
        "work_queue": of.work_queue,
        "priority": of.priority,
        "concurrency_limit": of.concurrency_limit,
        "overlap": of.overlap,
        "paused": iso(of.paused),
        "served": _has_program(of),
        "schedules": [{**schedule_shown(each.definition), "paused": iso(each.paused)} for each in schedules],
        "next": coming[0][0].isoformat() if coming else None,
        "created": iso(of.created),
        "updated": iso(of.updated),
    }


def _details(of: Deployment) -> dict[str, object]:
    queued = _known().deployments.queued(QueueFilter(deployment_id=of.id, limit=20))
    versions = _known().deployments.versions(of.id)
    return {
        "definition": json.loads(of.definition),
        "versions": [
            {
                "number": each.number,
                "created": iso(each.created),
                "created_by": each.created_by,
                "same_as": first_alike(each, versions).number,
                "code": code_shown(definition_of_text(each.definition)),
            }
            for each in versions
        ],
        "runs": [
            {"id": each.flow_run_id, "due": iso(each.due), "schedule": each.schedule, "partition": each.partition}
            for each in queued
        ],
    }


# The names that other groups and other tools use.
app.command("rm", hidden=True)(delete)
app.command("show", hidden=True)(inspect)
