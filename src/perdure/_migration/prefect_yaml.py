"""Prefect's `prefect.yaml` as a `perdure.toml`."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from perdure._migration.import_rewriting import Rewritten
from perdure._migration.rules import Finding
from perdure._model.errors import DeploymentError, MigrationError
from perdure._rooms.deployments.prefect_options import overlap_of

NAMES = ("prefect.yaml", "prefect.yml")
_SECTION = "coming-from-prefect.md#different"
_POOLS = "concepts/deployments.md#deploy-to-a-work-pool"
_CODE = "concepts/deployments.md#code-from-a-repository"
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SAME = ("name", "entrypoint", "description", "version", "tags", "parameters")
_OF_SCHEDULES = ("cron", "timezone", "day_or", "rrule", "slug", "active", "parameters")
_IGNORED = ("enforce_parameter_schema", "schedule", "schedules", "work_pool", "concurrency_limit", "paused", "pull")
_LEFT: Mapping[str, tuple[str, str]] = {
    "build": ("Perdure builds no images: build yours, and give job_variables = {image = NAME}.", _POOLS),
    "push": ("Perdure pushes no images and no code.", _CODE),
    "triggers": ("Deployments have no triggers: have a webhook's receiver call run_deployment.", _SECTION),
}


def toml_of(text: str) -> Rewritten:
    """The `perdure.toml` that a `prefect.yaml` becomes, and what is left to decide.

    Raises:
        MigrationError: it cannot be read.
    """
    import yaml  # LibCST needs it, too

    try:
        said = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise MigrationError(f"It is no YAML that can be read: {error}") from error
    if not isinstance(said, dict):
        raise MigrationError("It is no prefect.yaml: it has no keys.")
    findings: list[Finding] = []
    every = said.get("deployments") or ()
    whole = [_deployment(each, said, findings, text) for each in every if each.get("entrypoint")]
    why = "It has no entrypoint, and is left out: give it one."
    findings += [_finding(text, str(each.get("name")), why, _CODE) for each in every if not each.get("entrypoint")]
    return Rewritten("\n".join(_lines(whole)), sorted(set(findings)))


def _deployment(
    each: Mapping[str, Any], whole: Mapping[str, object], findings: list[Finding], text: str
) -> dict[str, object]:
    made: dict[str, Any] = {name: each[name] for name in _SAME if each.get(name) not in (None, [], {})}
    if "version" in made:
        made["version"] = str(made["version"])
    made |= _source(each.get("pull", whole.get("pull")) or (), findings, text)
    made |= _schedules(each, findings, text)
    made |= _pool(each.get("work_pool") or {}) | _limit(each.get("concurrency_limit"))
    if each.get("paused") or each.get("is_schedule_active") is False:
        made["paused"] = True
    for name, value in {**{name: whole.get(name) for name in _LEFT}, **each}.items():
        if name in _LEFT:
            if value:
                findings.append(_finding(text, name, *_LEFT[name]))
        elif name not in _SAME and name not in _IGNORED and name != "is_schedule_active":
            findings.append(_finding(text, name, "perdure.toml has nothing like it.", _SECTION))
    why = "Templates of prefect.yaml are not filled in: write the value."
    findings += [_finding(text, path, why, _SECTION) for path in _templates(made)]
    return made


def _source(steps: Sequence[object], findings: list[Finding], text: str) -> dict[str, object]:
    for step in reversed(steps):
        for name, options in step.items() if isinstance(step, Mapping) else ():
            kind, given = name.rpartition(".")[2], options or {}
            if kind == "set_working_directory":
                return {"source": str(given.get("directory", "."))}
            if kind == "git_clone":
                chosen = {"url": given.get("repository"), "branch": given.get("branch")}
                chosen["commit"] = given.get("commit_sha")
                if given.get("access_token") or given.get("credentials"):
                    why = "Save a GitRepository with its credentials, and deploy by flow.from_source."
                    findings.append(_finding(text, kind, why, _CODE))
                return {"source": {key: value for key, value in chosen.items() if value}}
            findings.append(_finding(text, kind, "This step is not known here: give source=.", _CODE))
    return {}


def _schedules(each: Mapping[str, Any], findings: list[Finding], text: str) -> dict[str, object]:
    given = each.get("schedules")
    if given is None and each.get("schedule"):
        given = [each["schedule"]]
    if given is None:
        return {}
    made = []
    for one in given:
        schedule = {name: one[name] for name in _OF_SCHEDULES if one.get(name) is not None}
        if one.get("interval") is not None:
            span = one["interval"]
            schedule["interval"] = span.total_seconds() if isinstance(span, timedelta) else span
        if one.get("anchor_date") is not None:
            schedule["anchor"] = _text(one["anchor_date"])
        if schedule.get("day_or") is True:
            del schedule["day_or"]
        if not {"cron", "interval", "rrule"} & schedule.keys():
            findings.append(_finding(text, "schedules", "It is no cron expression, interval or rrule.", _SECTION))
            continue
        made.append(schedule)
    return {"schedules": made}


def _pool(pool: Mapping[str, object]) -> dict[str, object]:
    names = {"name": "work_pool", "work_queue_name": "work_queue", "job_variables": "job_variables"}
    return {new: pool[old] for old, new in names.items() if pool.get(old)}


def _limit(limit: object) -> dict[str, object]:
    if not limit:
        return {}
    if not isinstance(limit, Mapping):
        return {"concurrency_limit": limit}
    try:
        overlap = overlap_of(limit.get("collision_strategy") or "ENQUEUE")
    except DeploymentError as error:
        raise MigrationError(str(error)) from error
    return {"concurrency_limit": limit.get("limit"), **({} if overlap == "queue" else {"overlap": overlap})}


def _templates(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _templates(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _templates(each, path)
    elif isinstance(value, str) and "{{" in value:
        yield path


def _finding(text: str, key: str, reason: str, section: str) -> Finding:
    """A finding at the first line that has the key."""
    lines = text.splitlines()
    found = next((number for number, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(key)}\b", line)), 1)
    return Finding(found, key, reason, section)


# TOML


def _lines(deployments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for number, each in enumerate(deployments):
        if number:
            yield ""
        yield "[[deployments]]"
        for name, value in each.items():
            if name == "schedules" and value:
                yield "schedules = ["
                yield from (f"    {_value(schedule)}," for schedule in value)
                yield "]"
            else:
                yield f"{name} = {_value(value)}"
    yield ""


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(name))} = {_value(each)}" for name, each in value.items() if each is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value if each is not None)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    return _quoted(_text(value))


def _quoted(text: str) -> str:
    """A text as TOML has it, which is as JSON has it, but for one control character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)
