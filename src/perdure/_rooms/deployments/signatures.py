"""Signatures of what workers start: whoever may write to the database does not decide that.

With signing keys, a deployment's definition and a work pool's base job template are signed where they are made, for
their names. Runs are made of signed definitions only, and workers start nothing else. The server passes signatures on
and makes none: a definition that came by it is as good as whoever signed it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from perdure._model.errors import DeploymentError
from perdure._model.flow_names import deployment_spellings
from perdure._model.records import NOBODY, StartRecord
from perdure._results import signing
from perdure._rooms.deployments.definition import Definition
from perdure._rooms.deployments.port import WorkPool

_DEFINITION = b"perdure definition 1\0"
_TEMPLATE = b"perdure base job template 1\0"
_SCHEDULE = b"perdure schedule 1\0"
_OF_ONE_RUN = ("rerun_of", "reuses")


def signed_definition(definition: Definition, flow_name: str, name: str) -> Definition:
    """A definition with its signature for the deployment of these names, if there are signing keys."""
    ring = signing.ring()
    made = None if ring is None else ring.sign(definition.body, _place(flow_name, name), _DEFINITION)
    return replace(definition, signature=made)


def check_definition(definition: Definition, flow_name: str, name: str) -> None:
    """Refuse a definition that none of the signing keys has signed for the deployment of these names, if there are any.

    Raises:
        DeploymentError: it is not signed, was altered, or is another deployment's.
    """
    ring = signing.ring()
    if ring is None:
        return
    fault = _fault(definition.body, _text(definition.signature), _DEFINITION, _places(flow_name, name), ring)
    if fault is not None:
        raise DeploymentError(
            f"The definition of the deployment {flow_name}/{name} {fault} Nothing of it is started. Deploy it again,"
            " with a key of the ring."
        )


def check_start(start_of: Callable[[], StartRecord | None], definition: Definition, flow_name: str, name: str) -> None:
    """With signing keys, refuse a run that nobody has begun whose code is not what the signed definition says.

    One that was begun says where its process found its code, and that is signed: see `program_of`.

    Raises:
        DeploymentError: it is not.
    """
    start = None if signing.ring() is None else start_of()
    if start is None or start.process_id != NOBODY:
        return
    entry: dict[str, str] = json.loads(start.entry_point or "{}")
    if {key: said for key, said in entry.items() if key not in _OF_ONE_RUN} != definition.entry_point:
        raise DeploymentError(
            f"The run is said to be of other code than the version of the deployment {flow_name}/{name} that it is of."
            " It is not started."
        )


def signed_schedule(kept: Mapping[str, object], flow_name: str, name: str) -> dict[str, object]:
    """A schedule as it is kept, with its signature for the deployment of these names, if there are signing keys."""
    ring = signing.ring()
    if ring is None:
        return dict(kept)
    return {**kept, "signature": ring.sign(_body(kept), _place_of_schedule(kept, flow_name, name), _SCHEDULE)}


def check_schedule_signature(definition: str, flow_name: str, name: str) -> None:
    """Refuse a schedule that none of the signing keys has signed for the deployment of these names, if there are any.

    Raises:
        DeploymentError: it is not signed, was altered, or is another deployment's.
    """
    ring = signing.ring()
    if ring is None:
        return
    signature, kept = _text(json.loads(definition).get("signature")), schedule_shown(definition)
    places = [_place_of_schedule(kept, *each) for each in deployment_spellings(flow_name, name)]
    fault = _fault(_body(kept), signature, _SCHEDULE, places, ring)
    if fault is not None:
        raise DeploymentError(
            f"The schedule {kept.get('slug')!r} of the deployment {flow_name}/{name} {fault} It makes no runs. Deploy"
            " it again, with a key of the ring."
        )


def schedule_shown(definition: str) -> dict[str, object]:
    """A schedule as it is kept, without its signature."""
    return {name: value for name, value in json.loads(definition).items() if name != "signature"}


def signed_template(pool: WorkPool) -> WorkPool:
    """A work pool whose base job template is signed for its name, if there are signing keys and it has one."""
    ring, kept = signing.ring(), _template(pool)
    if ring is None or not kept:
        return pool._replace(template=json.dumps(kept))
    signature = ring.sign(_body(kept), _place_of(pool), _TEMPLATE)
    return pool._replace(template=json.dumps({**kept, "signature": signature}))


def check_template_signature(pool: WorkPool) -> None:
    """Refuse a base job template that none of the signing keys has signed for its work pool, if there are any.

    Raises:
        DeploymentError: it is not signed, was altered, or is another pool's.
    """
    ring, kept = signing.ring(), _template(pool)
    if ring is None or not kept:
        return
    signature = _text(json.loads(pool.template).get("signature"))
    fault = ring.fault(_body(kept), _place_of(pool), signature, _TEMPLATE)
    if fault is not None:
        raise DeploymentError(
            f"The base job template of the work pool {pool.name!r} {fault} Nothing of the pool is started. Give the"
            " pool its template again, by `perdure work-pool create` with a key of the ring."
        )


def signature_of(text: str) -> str | None:
    """What a definition, a schedule or a template, as it is kept, says to be signed with; None if it is not signed."""
    return _text(json.loads(text).get("signature"))


def _text(signature: object) -> str | None:
    return signature if isinstance(signature, str) else None  # what is in the database may be anything


def _template(pool: WorkPool) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(pool.template)
    return {name: value for name, value in kept.items() if name != "signature"}


def _body(kept: Mapping[str, object]) -> bytes:
    return json.dumps(kept, sort_keys=True).encode()


def _place(flow_name: str, name: str) -> str:
    return json.dumps(["deployment", flow_name, name])


def _places(flow_name: str, name: str) -> list[str]:
    """What a definition is signed for: who deployed it may have called the flow by its other name."""
    return [_place(*each) for each in deployment_spellings(flow_name, name)]


def _fault(
    body: bytes, signature: str | None, kind: bytes, places: Sequence[str], ring: signing.SigningKeys
) -> str | None:
    """What is wrong with a signature; None if it holds for one of the places."""
    faults = [ring.fault(body, place, signature, kind) for place in places]
    return None if None in faults else faults[0]


def _place_of_schedule(kept: Mapping[str, object], flow_name: str, name: str) -> str:
    return json.dumps(["schedule", flow_name, name, kept.get("slug")])


def _place_of(pool: WorkPool) -> str:
    return json.dumps(["work pool", pool.name, pool.type])


__all__ = [
    "check_definition",
    "check_schedule_signature",
    "check_start",
    "check_template_signature",
    "schedule_shown",
    "signature_of",
    "signed_definition",
    "signed_schedule",
    "signed_template",
]
