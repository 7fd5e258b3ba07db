"""Keeping what is signed: nothing is put into the database that would be refused once its runs are due.

Definitions, schedules and base job templates change by a deploy, by a client, by a rollback, by what takes over from
elsewhere. All of them put what they have changed by these functions, which refuse before anything has changed.
"""

from collections.abc import Callable, Sequence
from functools import partial

from perdure._model.errors import DeploymentError
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.port import Deployment, Deployments, DeploymentVersion, ScheduleRecord, WorkPool
from perdure._rooms.deployments.signatures import (
    check_definition,
    check_schedule_signature,
    check_template_signature,
    signature_of,
)

_SETTING = "PERDURE_RESULTS_SIGNING_KEYS"


def keep(
    of: Deployment, version: DeploymentVersion, known: Deployments, function_name: str | None = None
) -> Deployment:
    """Put a deployment; as it is kept then. `function_name` is the function's of a flow that was given no name.

    Raises:
        DeploymentError: its definition is another one than before, and would be refused: nothing was changed.
    """
    check_definition_to_keep(of.flow_name, of.name, of.definition, known)
    return known.put(of, version, function_name)


def check_definition_to_keep(flow_name: str, name: str, text: str, known: Deployments) -> None:
    """Refuse a definition that would be refused once it is kept.

    Raises:
        DeploymentError: it would.
    """
    there = known.named(flow_name, name)
    check = partial(check_definition, definition_of_text(text), flow_name, name)
    before = None if there is None else there.definition
    _check(f"The definition of the deployment {flow_name}/{name}", text, before, check, known)


def keep_schedules(schedules: Sequence[ScheduleRecord], of: Deployment, known: Deployments) -> None:
    """Have a deployment have these schedules, and no others.

    Raises:
        DeploymentError: one of them is another one than before, and would be refused: nothing was changed.
    """
    check_schedules_to_keep(schedules, of, known)
    known.put_schedules(schedules, of.id)


def check_schedules_to_keep(schedules: Sequence[ScheduleRecord], of: Deployment, known: Deployments) -> None:
    """Refuse schedules of which one would be refused once it is kept.

    Raises:
        DeploymentError: one would.
    """
    before = {each.slug: each.definition for each in known.schedules(of.id)}
    for each in schedules:
        check = partial(check_schedule_signature, each.definition, of.flow_name, of.name)
        what = f"The schedule {each.slug!r} of the deployment {of.flow_name}/{of.name}"
        _check(what, each.definition, before.get(each.slug, of.definition), check, known)


def keep_pool(pool: WorkPool, known: Deployments) -> None:
    """Put a work pool.

    Raises:
        DeploymentError: its base job template is another one than before, and would be refused: nothing was changed.
    """
    there = next((each for each in known.pools() if each.name == pool.name), None)
    before = None if there is None else there.template
    if pool.template != "{}":
        what = f"The base job template of the work pool {pool.name!r}"
        _check(what, pool.template, before, partial(check_template_signature, pool), known)
    known.put_pool(pool)


def _check(what: str, text: str, before: str | None, check: Callable[[], None], known: Deployments) -> None:
    if text == before:
        return
    check()
    theirs, signature = known.signing_key_ids(), signature_of(text)
    key = None if signature is None else signature.partition(":")[0]
    if theirs and key not in theirs:
        how = "would not be signed" if key is None else f"would be signed with the key {key!r}"
        raise DeploymentError(
            f"{what} {how}, and where it is kept the keys are {', '.join(map(repr, theirs))}: no run would be made of"
            f" it. Nothing was changed. Do it with one of these keys in {_SETTING}."
        )
    signed_before = None if before is None else signature_of(before)
    if not theirs and key is None and signed_before is not None:
        raise DeploymentError(
            f"{what} would not be signed, and what is there is, with the key {signed_before.partition(':')[0]!r}:"
            f" whoever has the key would refuse it. Nothing was changed. Do it with the key in {_SETTING}. If nothing"
            " is to be signed any more, delete what is there first."
        )


__all__ = ["check_definition_to_keep", "check_schedules_to_keep", "keep", "keep_pool", "keep_schedules"]
