"""What a worker starts for a run: its pool's base job template, filled with the variables of the deployment.

A template has two parts. `variables` is a JSON schema: what deployments may choose, of which types, with defaults.
`job_configuration` is what is started, in which "{{ name }}" stands for a variable. What kinds of pools start, and
what it is made of, is in `KINDS`; a pool without a template of its own lets deployments choose all of that.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from perdure._model.errors import DeploymentError
from perdure._platform.suggest import nearest
from perdure._rooms.deployments.port import WorkPool

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": _TEXT}
_OF_TEXT = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}}
_ANY_KIND: Mapping[str, Any] = {
    "env": {**_OF_TEXT, "default": {}, "description": "Variables of its environment; null leaves one out."},
    "python": {**_TEXT, "description": "The Python that has Perdure and the flow's packages."},
    "start_timeout": {
        "type": "number",
        "exclusiveMinimum": 0,
        "description": "Seconds after which a run that has not begun is given up, and crashed.",
    },
}
_DIRECTORY = {**_TEXT, "description": "The directory that it starts in."}
_IMAGE = {**_TEXT, "description": "The image, which has Perdure and the flow."}
_PULL = {"enum": ["Always", "IfNotPresent", "Never"], "default": "IfNotPresent", "description": "When it is pulled."}
_LABELS = {**_OF_TEXT, "default": {}, "description": "Labels beside those of Perdure."}

# What each kind of work pool starts: the properties of JSON schemas, and those of them that have to be given.
KINDS: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "process": (
        {
            **_ANY_KIND,
            "working_dir": _DIRECTORY,
            "warm_start": {
                "type": "boolean",
                "default": True,
                "description": "Whether it may be forked from a process that has imported Perdure (on Linux).",
            },
            "runs_per_process": {
                "type": "integer",
                "minimum": 1,
                "default": 1,
                "description": "How many runs a process runs, one after another, if warm starts are possible.",
            },
            "memory_per_process": {
                "type": "number",
                "exclusiveMinimum": 0,
                "default": 1024,
                "description": "MiB; a process that has more after a run gets no other one.",
            },
        },
        (),
    ),
    "docker": (
        {
            **_ANY_KIND,
            "image": _IMAGE,
            "image_pull_policy": _PULL,
            "working_dir": _DIRECTORY,
            "network_mode": {**_TEXT, "description": 'Such as "host"; the engine\'s default network else.'},
            "volumes": {**_TEXTS, "default": [], "description": 'Such as "/data:/data:ro".'},
            "mem_limit": {**_TEXT, "description": 'Such as "2g".'},
            "cpus": {"type": "number", "exclusiveMinimum": 0, "description": "Such as 1.5."},
            "user": {**_TEXT, "description": "Whose process it is."},
            "privileged": {"type": "boolean", "default": False},
            "labels": _LABELS,
            "auto_remove": {"type": "boolean", "default": True, "description": "False keeps containers that ended."},
        },
        ("image",),
    ),
    "kubernetes": (
        {
            **_ANY_KIND,
            "start_timeout": {**_ANY_KIND["start_timeout"], "default": 600},
            "image": _IMAGE,
            "image_pull_policy": _PULL,
            "namespace": {**_TEXT, "description": "That of the kubeconfig, or of the worker's pod, else."},
            "service_account_name": _TEXT,
            "working_dir": _DIRECTORY,
            "resources": {"type": "object", "description": "Requests and limits, as Kubernetes has them."},
            "labels": _LABELS,
            "finished_job_ttl": {"type": "integer", "minimum": 0, "description": "Seconds that ended jobs are kept."},
            "job_manifest": {"type": "object", "default": {}, "description": "A Job, into which all else is put."},
        },
        ("image",),
    ),
    "slurm": (
        {
            **_ANY_KIND,
            "working_dir": _DIRECTORY,
            "partition": {**_TEXT, "description": "The partition; the cluster's default else."},
            "account": _TEXT,
            "qos": _TEXT,
            "constraint": _TEXT,
            "time_limit": {"type": "integer", "minimum": 1, "description": "Minutes until Slurm ends it."},
            "cpus_per_task": {"type": "integer", "minimum": 1},
            "memory": {**_TEXT, "description": 'Of a node, such as "4G".'},
            "gres": {**_TEXT, "description": 'Such as "gpu:1".'},
            "options": {**_TEXTS, "default": [], "description": 'More options of sbatch, such as "--exclusive".'},
            "setup": {**_TEXTS, "default": [], "description": 'Lines of shell before it, such as "module load cuda".'},
        },
        (),
    ),
    "ssh": (
        {
            **_ANY_KIND,
            "python": {**_ANY_KIND["python"], "default": "python3"},
            "host": {**_TEXT, "pattern": "^[^-]", "description": "The machine, or its name in ~/.ssh/config."},
            "user": _TEXT,
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "options": {**_TEXTS, "default": [], "description": 'Options of ssh, such as "StrictHostKeyChecking=yes".'},
            "working_dir": _DIRECTORY,
        },
        ("host",),
    ),
}
_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_NOTHING = object()


def check_kind(kind: str) -> None:
    """Refuse a type of work pools that no worker knows.

    Raises:
        DeploymentError: it is none.
    """
    if kind not in KINDS:
        advice = nearest(kind, list(KINDS)) or ""
        raise DeploymentError(f"There is no work pool of type {kind!r}.{advice} Types: {', '.join(KINDS)}.")


def default_template(kind: str) -> dict[str, Any]:
    """The base job template of pools that have none of their own: deployments choose everything.

    Raises:
        DeploymentError: there is no such kind.
    """
    check_kind(kind)
    properties, required = KINDS[kind]
    return {
        "job_configuration": {name: f"{{{{ {name} }}}}" for name in properties},
        "variables": _schema(properties, required),
    }


def template_of(pool: WorkPool) -> dict[str, Any]:
    """The base job template of a pool. What is kept may be the defaults of variables only.

    Raises:
        DeploymentError: there is no such kind.
    """
    kept: dict[str, Any] = json.loads(pool.template)
    kept.pop("signature", None)
    template = default_template(pool.type)
    if kept.keys() == template.keys():
        return kept
    properties: dict[str, Any] = template["variables"]["properties"]
    for name, value in kept.items():
        properties[name] = {**properties.get(name, {}), "default": value}
    return template


def check_template(kind: str, template: object) -> None:
    """Refuse a base job template that no job can be made by.

    Raises:
        DeploymentError: says what is wrong with it.
    """
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(template, dict) or template.keys() != default_template(kind).keys():
        raise DeploymentError(
            "A base job template is a JSON object with job_configuration and variables, and nothing else."
            f" `perdure work-pool template --type {kind}` prints the default one."
        )
    try:
        Draft202012Validator.check_schema(template["variables"])
    except SchemaError as error:
        raise DeploymentError(f"The variables of the base job template are no JSON schema: {error.message}.") from None
    known = template["variables"].get("properties", {})
    if not isinstance(template["job_configuration"], dict):
        raise DeploymentError("The job_configuration of a base job template is a JSON object.")
    for name in template["job_configuration"]:
        if name not in KINDS[kind][0]:
            advice = nearest(name, list(KINDS[kind][0])) or ""
            raise DeploymentError(
                f"The job_configuration has {name!r}, which no job of type {kind!r} has.{advice} It may have:"
                f" {', '.join(KINDS[kind][0])}."
            )
    for name in _places(template["job_configuration"]):
        if name not in known:
            advice = nearest(name, list(known)) or ""
            raise DeploymentError(f"The job_configuration has {{{{ {name} }}}}, which is no variable.{advice}")


def job_of(pool: WorkPool, given: Mapping[str, object]) -> dict[str, Any]:
    """What is started in a pool for a deployment with these variables.

    Raises:
        DeploymentError: a variable is unknown, missing or of another type; or what comes of them is no such job.
    """
    template = template_of(pool)
    schema = template["variables"]
    properties = schema.get("properties", {})
    values = {name: each["default"] for name, each in properties.items() if "default" in each}
    for name, value in given.items():
        before = values.get(name)
        values[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    here = f"the work pool {pool.name!r} of type {pool.type!r}"
    unknown = [name for name in given if name not in properties]
    if unknown:
        advice = nearest(unknown[0], list(properties)) or ""
        names = ", ".join(properties) or "none"
        raise DeploymentError(f"There is no job variable {unknown[0]!r} in {here}.{advice} It takes: {names}.")
    _check(schema, values, f"The job variables do not fit {here}")
    made = {name: _filled(each, values) for name, each in template["job_configuration"].items()}
    made = {name: value for name, value in made.items() if value is not _NOTHING}
    _check(_schema(*KINDS[pool.type]), made, f"What the base job template makes is no job for {here}")
    return made


def _schema(properties: Mapping[str, object], required: Iterable[str]) -> dict[str, Any]:
    named = {"type": "object", "properties": dict(properties), "required": list(required)}
    return {**named, "additionalProperties": False}


def _check(schema: Mapping[str, object], values: Mapping[str, object], what: str) -> None:
    from jsonschema import Draft202012Validator

    problems = []
    for error in Draft202012Validator(schema).iter_errors(values):
        place = ".".join(map(str, error.absolute_path))
        problems.append(f"{place}: {error.message}"[:200] if place else error.message[:200])
    if problems:
        raise DeploymentError(f"{what}: {'; '.join(problems[:5])}.")


def _places(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _places(each)
    elif isinstance(value, str):
        yield from _PLACE.findall(value)


def _filled(value: object, values: Mapping[str, object]) -> object:
    """A part of the configuration with its variables' values; without what only an absent one would fill."""
    if isinstance(value, Mapping):
        made = {name: _filled(each, values) for name, each in value.items()}
        return {name: each for name, each in made.items() if each is not _NOTHING}
    if isinstance(value, list):
        return [each for part in value if (each := _filled(part, values)) is not _NOTHING]
    if not isinstance(value, str):
        return value
    whole = _PLACE.fullmatch(value)
    if whole is not None:
        return values.get(whole[1], _NOTHING)
    missing = [name for name in _PLACE.findall(value) if name not in values]
    if missing:
        raise DeploymentError(f"The base job template has {value!r}, and nothing gives the variable {missing[0]!r}.")
    return _PLACE.sub(lambda found: str(values[found[1]]), value)
