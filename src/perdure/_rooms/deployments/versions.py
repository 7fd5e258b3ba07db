"""The versions of a deployment: which code each of them is, and making an earlier one the newest."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from perdure._model.errors import DeploymentMissing
from perdure._platform.clock import Micros
from perdure._rooms.deployments.definition import Definition, definition_of_text
from perdure._rooms.deployments.job_templates import job_of
from perdure._rooms.deployments.keeping import keep
from perdure._rooms.deployments.port import Deployment, Deployments, DeploymentVersion

_SHOWN = 10  # characters of a commit or a digest


def definition_of_version(of: Deployment, number: int, known: Deployments) -> Definition:
    """What a version of a deployment is made of; what the deployment is made of now, if that version is gone."""
    if number == of.version:
        return definition_of_text(of.definition)
    kept = next((each for each in known.versions(of.id) if each.number == number), None)
    return definition_of_text(of.definition if kept is None else kept.definition)


def code_shown(definition: Definition) -> str | None:
    """Which code a version is, in a few words; None if it is whatever its file says when a run begins."""
    if "source" not in definition.entry_point:
        return None
    source: dict[str, str] = json.loads(definition.entry_point["source"])
    if "bundle" in source:
        return f"bundle {source['bundle'][:_SHOWN]}"
    return f"commit {source['commit'][:_SHOWN]} of {source['url']}"


def first_alike(version: DeploymentVersion, versions: Sequence[DeploymentVersion]) -> DeploymentVersion:
    """The earliest version with the definition of this one: its own, unless it was made by going back."""
    return min((each for each in versions if each.digest == version.digest), key=lambda each: each.number)


class Change(NamedTuple):
    """A part of what a deployment's runs are made of that differs in another version; None: it has none."""

    name: str
    before: object
    after: object


def changes(of: Deployment, to: DeploymentVersion) -> list[Change]:
    """What would be otherwise if a version were the newest one again."""
    before, after = (_parts(definition_of_text(text)) for text in (of.definition, to.definition))
    names = dict.fromkeys((*before, *after))
    found = (Change(name, before.get(name), after.get(name)) for name in names)
    return [each for each in found if each.before != each.after]


def _parts(definition: Definition) -> dict[str, object]:
    code = {"place": definition.entry_point.get("target"), "code": code_shown(definition)}
    others: dict[str, object] = {
        "flow version": definition.flow_version,
        "description": definition.description,
        "tags": ", ".join(definition.tags) or None,
        "partitions": definition.partitions,
        "on crash": definition.on_crash,
    }
    return {
        **code,
        **_named("parameter", definition.parameters),
        **others,
        **_named("job variable", definition.job),
    }


def _named(kind: str, values: Mapping[str, object]) -> dict[str, object]:
    return {f"{kind} {name}": value for name, value in values.items()}


def rolled_back(
    of: Deployment,
    number: int | None,
    who: str,
    now: Micros,
    known: Deployments,
    check: Callable[[DeploymentVersion], None],
) -> tuple[DeploymentVersion, Deployment]:
    """Make an earlier version of a deployment the newest one; that version, and the deployment as it is kept then.

    Without a number it is the newest one that differs from the current one. `check` is given the version before
    anything changes, and raises what hinders it. Schedules, limits and a person's pause are the deployment's, and stay.

    Raises:
        DeploymentMissing: there is no such version.
        DeploymentError: the deployment's work pool does not take the version's job variables, or with signing keys,
            the version is not signed with one of them.
    """
    versions = known.versions(of.id)
    to = chosen(of, number, versions)
    if _is_same(to.definition, of.definition):
        return to, of
    pool = next((each for each in known.pools() if each.name == of.work_pool), None)
    if pool is not None:
        job_of(pool, definition_of_text(to.definition).job)
    check(first_alike(to, versions))
    changed = of._replace(definition=to.definition, updated=now)
    kept = keep(changed, to._replace(created=now, created_by=who), known)
    return to, kept


def chosen(of: Deployment, number: int | None, versions: Sequence[DeploymentVersion]) -> DeploymentVersion:
    """A version by its number, or the newest one that differs from the current one.

    Raises:
        DeploymentMissing: there is none.
    """
    name = f"{of.flow_name}/{of.name}"
    if number is None:
        before = next((each for each in versions if not _is_same(each.definition, of.definition)), None)
        if before is None:
            raise DeploymentMissing(f"{name} has no version that differs from the current one, {of.version}.")
        return before
    found = next((each for each in versions if each.number == number), None)
    if found is None:
        numbers = ", ".join(str(each.number) for each in versions)
        raise DeploymentMissing(f"{name} has no version {number}. It has: {numbers}.")
    return found


def _is_same(one: str, other: str) -> bool:
    return definition_of_text(one) == definition_of_text(other)
