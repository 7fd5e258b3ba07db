"""Deployments that a file declares, `perdure.toml`: as it says them, checked."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from perdure._automations.definition import NamedAutomation
from perdure._model.errors import DeploymentError, InvalidPartition, InvalidSchedule, reasons
from perdure._platform.suggest import nearest
from perdure._rooms.deployments.declared_schema import PERIODS, SCHEMA
from perdure._scheduling import partitions
from perdure._scheduling.partitions import Partitions
from perdure._scheduling.schedule import Cron, Interval, RRule, Schedule

NAME = "perdure.toml"
_TIMES, _SPANS = ("start", "end"), ("jitter", "catchup_window")


@dataclass(frozen=True)
class Declared:
    """A deployment that a file declares.

    Attributes:
        place: The file and the deployment's place in it, for messages.
        options: What `Flow.to_deployment` takes beside the name.
    """

    place: str
    name: str
    entrypoint: str
    source: str | Mapping[str, Any] | None
    options: Mapping[str, Any]


def file_above(folder: Path) -> Path:
    """The nearest `perdure.toml`, in a folder or in one above it.

    Raises:
        DeploymentError: there is none.
    """
    for each in (folder, *folder.parents):
        if (each / NAME).is_file():
            return each / NAME
    raise DeploymentError(f"There is no {NAME} in {folder} or above. Make one, or name it with --file.")


def declared(file: Path) -> list[Declared]:
    """The deployments that a file declares.

    Raises:
        DeploymentError: it cannot be read, or says something wrong; names the file, the key and the rule.
    """
    said = _read(file)
    return [_declared(each, f"{file}: deployments[{place}]") for place, each in enumerate(said.get("deployments", ()))]


def declared_automations(file: Path) -> list[NamedAutomation]:
    """The automations that a file declares.

    Raises:
        DeploymentError: it cannot be read, or says something wrong; names the file, the key and the rule.
    """
    made = []
    for place, each in enumerate(_read(file).get("automations", ())):
        try:
            made.append(NamedAutomation.model_validate(each))
        except ValueError as error:
            raise DeploymentError(f"{file}: automations[{place}]: {reasons(error)}") from None
    return made


def _read(file: Path) -> Mapping[str, Any]:
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeploymentError(f"{file} cannot be read: {error}") from None
    said = _plain(said)
    _check({name: value for name, value in said.items() if name != "automations"}, file)  # the model says what is wrong
    found: Mapping[str, Any] = said
    return found


def _plain(value: object) -> Any:
    """As JSON has it: TOML's times as text."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _check(said: Mapping[str, object], file: Path) -> None:
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(SCHEMA).iter_errors(said), key=lambda each: list(map(str, each.absolute_path)))
    if errors:
        raise DeploymentError("\n".join(f"{file}: {_message(each)}" for each in errors[:10]))


def _message(error: Any) -> str:
    place = _place(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        unknown = [name for name in error.instance if name not in known]
        hint = nearest(unknown[0], known) or f" There are {', '.join(known)}."
        return f"{place or 'the file'} has no key {unknown[0]!r}.{hint}"
    if error.validator == "required":
        return f"{place} lacks {next(each for each in error.validator_value if each not in error.instance)!r}."
    if error.validator == "oneOf" and isinstance(error.instance, Mapping):
        if "schedules" in place:
            return f"{place} needs one of cron, interval and rrule."
        return _message_of_source(error, place)
    return f"{place}: {error.message}."


def _message_of_source(error: Any, place: str) -> str:
    """Of a table that is neither a repository nor a bundle: what is wrong with what it seems to be."""
    if "url" not in error.instance and "bundle" not in error.instance:
        return f"{place} lacks 'url' or 'bundle'."
    meant = "bundle" if "bundle" in error.instance else "url"
    kind = next(number for number, each in enumerate(error.validator_value) if meant in each.get("required", ()))
    return _message(next(each for each in error.context if each.schema_path[0] == kind))


def _place(path: Iterable[object]) -> str:
    text = ""
    for each in path:
        text += f"[{each}]" if isinstance(each, int) else f".{each}" if text else str(each)
    return text


def _declared(said: Mapping[str, Any], place: str) -> Declared:
    left = {name: value for name, value in said.items() if name not in ("name", "entrypoint", "source", "schedules")}
    if "schedules" in said:
        left["schedules"] = _schedules(said["schedules"], place)
    if "partitions" in said:
        try:
            left["partitions"] = _partitions(said["partitions"])
        except (InvalidPartition, ValueError, TypeError) as error:
            raise DeploymentError(f"{place}.partitions: {error}") from None
    return Declared(place, said["name"], said["entrypoint"], said.get("source"), left)


def _partitions(said: Mapping[str, Any]) -> Partitions:
    periods = [name for name in PERIODS if name in said]
    if len(periods) > 1 or (not periods and "static" not in said):
        raise ValueError(f"give one of {', '.join(PERIODS)}, or static, or one of the first and static.")
    kinds: list[Partitions] = []
    for name in periods:
        zone = {"timezone": said["timezone"]} if "timezone" in said else {}
        kinds.append(getattr(partitions, name)(said[name], **zone))
    if "static" in said:
        kinds.append(partitions.static(*said["static"]))
    return kinds[0] if len(kinds) == 1 else partitions.product(*kinds)


def _schedules(said: Sequence[Mapping[str, object]], place: str) -> list[Schedule]:
    made = []
    for number, each in enumerate(said):
        try:
            made.append(_schedule(each))
        except (InvalidSchedule, ValueError, TypeError) as error:
            raise DeploymentError(f"{place}.schedules[{number}]: {error}") from None
    return made


def _schedule(said: Mapping[str, object]) -> Schedule:
    given: dict[str, Any] = dict(said)
    for name in _TIMES:
        if name in given:
            given[name] = datetime.fromisoformat(given[name])
    for name in _SPANS:
        if name in given:
            given[name] = timedelta(seconds=given[name])
    if "exclude" in given:
        given["exclude"] = frozenset(date.fromisoformat(each) for each in given["exclude"])
    if "cron" in given:
        return Cron(given.pop("cron"), **given)
    if "interval" in given:
        anchor = given.pop("anchor", None)
        return Interval(
            given.pop("interval"), anchor=None if anchor is None else datetime.fromisoformat(anchor), **given
        )
    # Of a recurrence rule `start=` is its DTSTART, and none of its ticks is earlier.
    return RRule(given.pop("rrule"), **given)
