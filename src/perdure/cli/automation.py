"""`perdure automation`: what is done when an event comes, or does not come in time."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from perdure._automations.definition import AutomationDefinition, NamedAutomation
from perdure._execution.automations import automation_named, pause_automation
from perdure._model.errors import AutomationError, reasons
from perdure._platform.clock import system_clock
from perdure._rooms.automations.definition_json import definition_of, new_automation
from perdure._rooms.automations.port import Automation as Kept
from perdure._rooms.automations.port import Automations, Details, LogEntry, LogFilter
from perdure._rooms.automations.unknown_names import unknown_names
from perdure.cli import completion
from perdure.cli.find import orchestrator
from perdure.cli.groups import AsJson, Limit, new_group
from perdure.cli.output import NOTHING, Column, iso, note, short_time, show, show_json, table

app = new_group("Start, pause, cancel or notify when an event comes, or does not come in time.")

_Name = Annotated[
    str, typer.Argument(metavar="NAME", autocompletion=completion.automations, help="The automation's name.")
]


@app.command()
def create(
    name: _Name,
    document: Annotated[
        str | None, typer.Option("--definition", metavar="JSON", help="All of it, as JSON, or @FILE.")
    ] = None,
    kinds: Annotated[
        list[str] | None, typer.Option("--on", metavar="KIND", help="The kind of event, such as flow-run.failed.")
    ] = None,
    match: Annotated[
        list[str] | None, typer.Option("--match", metavar="FIELD=TEXT", help="What a field must be; repeatable.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="DEPLOYMENT", help="Create a run of a deployment: FLOW/NAME.")
    ] = None,
    parameters: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help='Of that run, such as {"path": "{event.payload.x}"}.')
    ] = None,
    notify: Annotated[
        str | None, typer.Option("--notify", metavar="SUBJECT", help="Emit automation.NAME, for webhooks.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an automation, or change the one with this name: by --definition, or by --on with --run and --notify."""
    if (document is None) == (kinds is None):
        raise AutomationError("Give either --definition with all of it, or --on with --run or --notify.")
    said = _parsed(document, "--definition") if document is not None else _said(kinds, match, run, parameters, notify)
    try:
        definition = NamedAutomation.model_validate({**said, "name": name} if isinstance(said, dict) else said)
    except ValidationError as error:
        raise AutomationError(f"The automation {name!r} is not valid: {reasons(error)}.") from None
    orchestrator().room(Automations).put(new_automation(name, definition, system_clock()))
    if as_json:
        show_json(_shape(automation_named(name)))
    else:
        show(f"The automation {name!r} sees the events that come from now on.")
        for warning in unknown_names(definition, orchestrator()):
            show(note(warning))
        show(note(f"perdure automation log {name}"))


def _said(
    kinds: list[str] | None, match: list[str] | None, run: str | None, parameters: str | None, notify: str | None
) -> dict[str, object]:
    fields: dict[str, list[str]] = {}
    for each in match or ():
        path, equals, text = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each!r} lacks '='. Write run.flow_name=report.", param_hint="--match")
        fields.setdefault(path, []).append(text)
    actions: list[dict[str, object]] = []
    if run is not None:
        given = {} if parameters is None else _parsed(parameters, "--params")
        actions.append({"do": "run-deployment", "deployment": run, "parameters": given})
    if notify is not None:
        actions.append({"do": "notify", "subject": notify})
    return {"trigger": {"type": "event", "expect": kinds, "match": fields}, "actions": actions}


def _parsed(document: str, option: str) -> Any:
    try:
        text = Path(document[1:]).read_text("utf-8") if document.startswith("@") else document
        return json.loads(text)
    except OSError as error:
        raise typer.BadParameter(f"{error.strerror}: {document[1:]}", param_hint=option) from None
    except ValueError as error:
        raise typer.BadParameter(f"It is not JSON: {error}.", param_hint=option) from None


@app.command()
def ls(as_json: AsJson = False) -> None:
    """List automations."""
    every = orchestrator().room(Automations).all()
    if as_json:
        show_json([_shape(each) for each in every])
    elif every:
        columns = [Column("name", whole=True), Column("on"), Column("does"), Column("acted", whole=True)]
        show(table([*columns, Column("", whole=True)], [_row(each) for each in every]))
    else:
        show("There are no automations.")
        show(note("`perdure automation create NAME --on flow-run.failed --notify …` creates one."))


def _row(each: Kept) -> tuple[str, ...]:
    said = definition_of(each)
    on = "cannot be read: a later version of Perdure made it" if said is None else _on(said)
    does = NOTHING if said is None else ", ".join(action.do for action in said.actions)
    acted = _log(each, 1, ("acts", "failed"))
    when = short_time(acted[0].time) if acted else NOTHING
    return each.name, on, does, when, "paused" if each.paused else ""


def _on(said: AutomationDefinition) -> str:
    trigger = said.trigger
    if trigger.type == "file":
        return f"{trigger.storage.rstrip('/')}/{trigger.prefix}{trigger.pattern}"
    return ("absence of " if trigger.type == "absence" else "") + ", ".join(trigger.expect)


@app.command()
def inspect(name: _Name, as_json: AsJson = False) -> None:
    """Show an automation: what it waits for, what it does then, and what it did last."""
    of = automation_named(name)
    if as_json:
        show_json(_shape(of) | {"log": [_line(each) for each in _log(of, 10)]})
        return
    show(json.dumps(json.loads(of.definition), indent=2, ensure_ascii=False))
    if of.paused:
        show(f"Paused since {short_time(of.paused)}.")
    _show_log(_log(of, 10))


@app.command()
def pause(name: _Name, as_json: AsJson = False) -> None:
    """Have an automation see no events."""
    _paused(name, True, as_json)


@app.command()
def resume(name: _Name, as_json: AsJson = False) -> None:
    """Have an automation see the events that come from now on."""
    _paused(name, False, as_json)


def _paused(name: str, paused: bool, as_json: bool) -> None:
    pause_automation(name, paused)
    if as_json:
        show_json(_shape(automation_named(name)))
    else:
        show(f"{'Paused' if paused else 'Resumed'} the automation {name!r}.")


@app.command()
def delete(name: _Name, as_json: AsJson = False) -> None:
    """Delete an automation, with its log."""
    orchestrator().room(Automations).delete(automation_named(name).id)
    if as_json:
        show_json({"name": name, "deleted": True})
    else:
        show(f"Deleted the automation {name!r}.")


@app.command()
def log(
    name: _Name,
    outcome: Annotated[
        str | None,
        typer.Option("--outcome", help="Only acts, waits, ignored, limited, loop, missed or failed."),
    ] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List what an automation saw and did, and why it did nothing, the newest first."""
    entries = _log(automation_named(name), limit, () if outcome is None else (outcome,))
    if as_json:
        show_json([_line(each) for each in entries])
    else:
        _show_log(entries)


def _log(of: Kept, limit: int, outcomes: tuple[Any, ...] = ()) -> list[LogEntry]:
    filter = LogFilter(automation_id=of.id, outcomes=outcomes, limit=limit)
    return list(orchestrator().room(Automations).log(filter))


def _show_log(entries: list[LogEntry]) -> None:
    if not entries:
        show("It has seen nothing yet.")
        show(note("A server does what automations say, and so does `flow.serve` or a worker where there is none."))
        return
    columns = [Column("time", whole=True), Column("event"), Column("outcome", whole=True), Column("why"), Column("did")]
    rows = [(short_time(e.time), e.event_kind or NOTHING, e.outcome, e.reason, _did(e)) for e in entries]
    show(table(columns, rows))


def _did(entry: LogEntry) -> str:
    if entry.phase == "acting":
        return "about to"
    actions = Details.of(json.loads(entry.details)).actions
    return "; ".join(" ".join(str(part) for part in action.values()) for action in actions) or NOTHING


def _line(entry: LogEntry) -> dict[str, object]:
    fields = {name: getattr(entry, name) for name in ("id", "event_id", "event_kind", "outcome", "reason")}
    return {
        **fields,
        "time": iso(entry.time),
        "is_done": entry.phase == "done",
        **Details.of(json.loads(entry.details))._asdict(),
    }


def _shape(of: Kept) -> dict[str, object]:
    return {
        "name": of.name,
        "definition": json.loads(of.definition),
        "paused": iso(of.paused),
        "since": iso(of.since),
        "created": iso(of.created),
        "updated": iso(of.updated),
    }


# The name that other groups use.
app.command("rm", hidden=True)(delete)
