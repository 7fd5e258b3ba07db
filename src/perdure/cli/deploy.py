"""`perdure deploy`: makes the deployments that `perdure.toml` declares."""

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from perdure._automations.definition import NamedAutomation
from perdure._execution.deployments import DeployedFlow
from perdure._execution.flows import Flow
from perdure._model.errors import DeploymentError, PerdureError
from perdure._platform.clock import system_clock
from perdure._platform.suggest import nearest
from perdure._rooms.automations.definition_json import definition_text, new_automation
from perdure._rooms.automations.port import Automations
from perdure._rooms.deployments.bundles import Bundle
from perdure._rooms.deployments.declared import Declared, declared, declared_automations, file_above
from perdure._rooms.deployments.declared_schema import SCHEMA
from perdure._rooms.deployments.definition import Definition, definition_of_text
from perdure._rooms.deployments.port import Deployment
from perdure._rooms.deployments.signatures import schedule_shown
from perdure._scheduling.schedule import schedule_of
from perdure.cli import find
from perdure.cli.groups import SETTINGS, AsJson
from perdure.cli.load_flow import load_flow
from perdure.cli.output import note, show, show_json
from perdure.integrations.git import GitRepository

app = typer.Typer(add_completion=False, **SETTINGS)
_COLOURS = {"+": "green", "-": "red"}
_REFUSED = "Its program is only loaded, to deploy it."


@app.command()
def deploy(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Deployments of the file: NAME or FLOW/NAME.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that the file declares.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Instead of the nearest perdure.toml.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the file's JSON schema, for editors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the deployments that perdure.toml declares, or the next versions of those that are there. Without names, the
    automations that it declares, too.

    What the file does not say of a deployment's schedules stays. A deployment that somebody paused stays paused.
    """
    if schema:
        show_json(SCHEMA)
        return
    path = file_above(Path.cwd()) if file is None else file.absolute()
    automations = [] if names else declared_automations(path)
    there = declared(path)
    chosen = _chosen(there, names or [], every, path) if there or not automations else []
    os.chdir(path.parent)
    deployed = [_deployed(each) for each in chosen]  # all are loaded before one is made
    _refuse_twice(deployed, chosen)
    changes = [_change(each) for each in deployed]
    made = [] if dry_run else [each.apply() for each in deployed]
    renewed = [each for each in automations if _apply(each, dry_run)]
    if as_json:
        versions = [None if dry_run else each.version for each in made] or [None] * len(deployed)
        keys = [f"{each.flow_name}/{each.name}" for each in deployed]
        rows = zip(keys, changes, versions, strict=True)
        shown: list[dict[str, object]] = [
            {"name": key, "changed": bool(lines), "version": version} for key, lines, version in rows
        ]
        show_json([*shown, *({"automation": each.name, "changed": each in renewed} for each in automations)])
        return
    for each, lines in zip(deployed, changes, strict=True):
        _show(f"{each.flow_name}/{each.name}", lines, dry_run)
    for said in automations:
        change = "no change" if said not in renewed else "would change" if dry_run else "deployed"
        show(f"The automation {said.name}: {change}.")
    if made:
        pools = sorted({each.work_pool for each in made})
        show(note(" ".join(["perdure worker start", *(f"--pool {pool}" for pool in pools)])))


def _apply(said: NamedAutomation, dry_run: bool) -> bool:
    """Make an automation; whether that changes anything."""
    room = find.orchestrator().room(Automations)
    there = room.named(said.name)
    if not dry_run:
        room.put(new_automation(said.name, said, system_clock()))
    return there is None or definition_text(said) != there.definition


def _chosen(all_of_file: Sequence[Declared], names: Sequence[str], every: bool, file: Path) -> Sequence[Declared]:
    if not all_of_file:
        raise DeploymentError(f"{file} declares no deployment: add [[deployments]] with name= and entrypoint=.")
    known = [each.name for each in all_of_file]
    if every or (not names and len(known) == 1):
        return all_of_file
    if not names:
        raise DeploymentError(f"{file} declares {len(known)}: name one of {', '.join(known)}, or give --all.")
    wanted = [each.rpartition("/")[2] for each in names]
    for each in wanted:
        if each not in known:
            raise DeploymentError(f"{file} declares no deployment {each!r}.{nearest(each, known)}")
    return [each for each in all_of_file if each.name in wanted]


def _deployed(each: Declared) -> DeployedFlow:
    try:
        return _flow_of(each).to_deployment(each.name, **each.options, source=_bundle_of(each))
    except (PerdureError, TypeError, ValueError, typer.BadParameter) as error:
        raise DeploymentError(f"{each.place} ({each.name}): {error}") from error


def _bundle_of(each: Declared) -> Bundle | None:
    """The bundle that a deployment's code is to be, if it is; folders are from the file's own, which is this one."""
    if each.source == "bundle":
        return Bundle(folder=".")
    if not isinstance(each.source, Mapping) or "bundle" not in each.source:
        return None
    return Bundle(
        folder=each.source["bundle"], exclude=each.source.get("exclude", ()), storage=each.source.get("storage")
    )


def _flow_of(each: Declared) -> Flow[..., object]:
    if each.source is None or _bundle_of(each) is not None:
        return load_flow(each.entrypoint, _REFUSED)
    source: object = each.source
    if isinstance(source, Mapping):
        chosen = {"commit_sha" if name == "commit" else name: value for name, value in source.items()}
        source = GitRepository.model_validate(chosen)
    loaded: Flow[..., object] = Flow.from_source(source, each.entrypoint)
    return loaded


def _refuse_twice(deployed: Sequence[DeployedFlow], chosen: Sequence[Declared]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for each, of in zip(deployed, chosen, strict=True):
        key = (each.flow_name, each.name)
        if key in seen:
            raise DeploymentError(f"{of.place} is {'/'.join(key)}, as {seen[key]} is. Give one another name.")
        seen[key] = of.place


# What changes


def _change(each: DeployedFlow) -> list[str]:
    """The lines of a diff between the deployment that is there and the declared one; none if nothing differs."""
    deployments = find.orchestrator().deployments
    found = deployments.named(each.flow_name, each.name)
    there = found if found is not None and each.is_deployed_as(found) else None
    before: dict[str, Any] = {}
    if there is not None:
        schedules = {record.slug: schedule_shown(record.definition) for record in deployments.schedules(there.id)}
        before = _shape(definition_of_text(there.definition), there, schedules)
    times = before.get("schedules", {})
    if each.schedules is not None:
        times = {slug: said for schedule in each.schedules for slug, said in [_said(schedule.as_json())]}
    after = _shape(each.definition, each, times)
    return list(difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=2))[2:]


def _lines(shape: Mapping[str, object]) -> list[str]:
    return json.dumps(shape, indent=2, sort_keys=True).splitlines() if shape else []


def _said(kept: Mapping[str, object]) -> tuple[object, dict[str, object]]:
    said = schedule_of(kept).as_json()
    said.pop("paused", None)  # a person's choice, once it is there
    return said["slug"], said


def _shape(definition: Definition, of: Deployment | DeployedFlow, schedules: Mapping[str, object]) -> dict[str, object]:
    shape = {
        "flow": definition.entry_point.get("target"),
        "source": definition.entry_point.get("source"),
        "version": definition.flow_version,
        "parameters": definition.parameters,
        "partitions": definition.partitions,
        "description": definition.description,
        "tags": list(definition.tags),
        "work_pool": of.work_pool or "default",
        "work_queue": of.work_queue,
        "concurrency_limit": of.concurrency_limit,
        "overlap": of.overlap,
        "priority": of.priority,
        "job_variables": definition.job,
        "schedules": schedules,
    }
    return {name: value for name, value in shape.items() if value not in (None, [], {})}


def _show(name: str, lines: Sequence[str], dry_run: bool) -> None:
    from rich.text import Text

    if not lines:
        show(f"{name}: no change.")
        return
    show(f"{name}: would change." if dry_run else f"{name}: deployed.")
    for line in lines:
        show(Text(line, style=_COLOURS.get(line[:1], "dim")))
