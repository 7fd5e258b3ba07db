"""What a deployment is made of, as it is kept: where its flow is found, and what its runs are given."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from perdure._engine.recovery.start_record import entry_point_of
from perdure._model.errors import DeploymentError, ParameterTypeError
from perdure._model.options import FlowOptions
from perdure._rooms.deployments.code_origin import source_of
from perdure._rooms.deployments.parameter_schema import check, schema_of
from perdure._scheduling.partitions import Partitions, partitions_of


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One version of a deployment.

    Attributes:
        entry_point: Where the flow is found, and which code it is: as in `StartRecord`.
        flow_version: The flow's own version.
        parameters: What its runs are given, as JSON; "{partition}" and the like in texts stand for what a run is about.
        schema: The flow's parameters as a JSON schema.
        description: For people.
        tags: Of its runs.
        partitions: The slices of data that its runs are about, as JSON; None if it has none.
        on_crash: "resume" has its crashed runs resumed by workers.
        job: What its work pool's workers start, where that is other than by the pool's template.
        signature: Of all else, by whoever deployed it; it makes no other definition of it.
        later: What a later version of Perdure says of it, besides: it is a part of what was signed, and stays.
    """

    entry_point: dict[str, str]
    flow_version: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    schema: dict[str, Any] = field(default_factory=dict)
    description: str | None = None
    tags: tuple[str, ...] = ()
    partitions: dict[str, object] | None = None
    on_crash: str | None = None
    job: dict[str, object] = field(default_factory=dict)
    signature: str | None = field(default=None, compare=False)
    later: dict[str, object] = field(default_factory=dict)

    def as_json(self) -> str:
        """The definition as text. Parameters are in the order of the flow's signature: forms ask for them in it."""
        said = {} if self.signature is None else {"signature": self.signature}
        return json.dumps({**self._unsigned(), **said}, ensure_ascii=False)

    @property
    def body(self) -> bytes:
        """What is signed: all but the signature, in whatever order the parameters are."""
        return json.dumps(self._unsigned(), sort_keys=True, ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """What distinguishes it from other definitions, whoever signed them."""
        return hashlib.blake2b(self.body, digest_size=16).hexdigest()

    def _unsigned(self) -> dict[str, object]:
        # All of the first fields; a field that is added here has to be left out where it is as it was without it, or
        # definitions that were signed before are refused.
        fields = asdict(self)
        del fields["signature"], fields["later"]
        return fields | self.later

    def slices(self) -> Partitions | None:
        """Its partitions."""
        return None if self.partitions is None else partitions_of(self.partitions)


_FIELDS = Definition.__dataclass_fields__.keys() - {"later"}


def definition_of_text(text: str) -> Definition:
    """The definition that `as_json` wrote; what a later version added stays."""
    kept = json.loads(text)
    known = {name: value for name, value in kept.items() if name in _FIELDS}
    later = {name: value for name, value in kept.items() if name not in _FIELDS}
    return Definition(**known | {"tags": tuple(known.get("tags", ())), "later": later})


def definition_of(
    options: FlowOptions,
    *,
    parameters: Mapping[str, object] | None = None,
    description: str | None = None,
    tags: tuple[str, ...] = (),
    partitions: Partitions | None = None,
    job: Mapping[str, object] | None = None,
) -> Definition:
    """The definition of a flow's deployment.

    Raises:
        DeploymentError: no other process finds the flow, or a parameter is not one of JSON's values.
        ParameterTypeError: the flow does not take the parameters.
    """
    entry_point: dict[str, str] = json.loads(entry_point_of(options))
    if "target" not in entry_point:
        raise DeploymentError(
            f"The flow {options.name!r} cannot be deployed: it is defined inside a function, or in a session without a"
            " file, where no other process finds it. Define it at the top level of a file or a module."
        )
    entry_point |= source_of(entry_point)
    given = dict(parameters or {})
    try:
        json.dumps(given, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DeploymentError(
            f"The deployment of {options.name!r} has a parameter that JSON cannot hold: {error}. Its runs are made by"
            " other processes: give texts, numbers, lists and objects, and have the flow make of them what it needs."
        ) from None
    schema = schema_of(options)
    plain = {name: value for name, value in given.items() if not has_templates(value)}
    check({**schema, "required": []}, plain, options.name)
    return Definition(
        entry_point=entry_point,
        flow_version=options.version,
        parameters=given,
        schema=schema,
        description=description or options.description,
        tags=tuple(sorted({*tags, *options.tags})),
        partitions=None if partitions is None else partitions.as_json(),
        on_crash=options.on_crash,
        job=dict(job or {}),
    )


def check_schedule(definition: Definition, slug: str, parameters: Mapping[str, object], flow: str) -> None:
    """Refuse a schedule whose runs the flow could not be called with: no tick of it would make a run.

    Raises:
        ParameterTypeError: a parameter is unknown, missing, or of another type.
    """
    given = {**definition.parameters, **parameters}
    plain = {name: value for name, value in given.items() if not has_templates(value)}
    missing = [name for name in definition.schema.get("required", ()) if name not in given]
    try:
        check({**definition.schema, "required": missing}, plain, flow)
    except ParameterTypeError as error:
        raise ParameterTypeError(f"The schedule {slug!r} would make no run. {error}") from None


_TEMPLATES = ("{partition", "{scheduled_time")


def has_templates(value: object) -> bool:
    """Whether a parameter stands for something that only a run knows."""
    if isinstance(value, Mapping):
        return any(map(has_templates, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_templates, value))
    return isinstance(value, str) and any(template in value for template in _TEMPLATES)


def filled(value: object, known: Mapping[str, object]) -> Any:
    """A parameter with what a run knows in place of its templates.

    Raises:
        DeploymentError: a template names something that the run does not know.
    """
    if isinstance(value, Mapping):
        return {name: filled(each, known) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, known) for each in value]
    if not isinstance(value, str) or not has_templates(value):
        return value
    try:
        return value.format(**known)
    except (KeyError, AttributeError, ValueError, IndexError) as error:
        raise DeploymentError(
            f"The parameter {value!r} cannot be filled in: {type(error).__name__} {error}. A run knows {{partition}},"
            " {partition.key}, {partition.start}, {partition.end} and {scheduled_time}, as far as it has them."
        ) from None
