"""What the API shows of a record and takes for one, made from the record's fields: see `_model.fields`."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, create_model
from pydantic import Field as Limits

from perdure._http.models import moment, parsed
from perdure._http.pages import Id, Plain
from perdure._model.fields import Field, fields_of
from perdure._platform.clock import from_datetime
from perdure._platform.named import NamedTuple

R = TypeVar("R", bound=tuple[object, ...])
_Large = Annotated[int, Limits(ge=0, lt=2**63)]
_TYPES: dict[str, object] = {"id": Id, "small": Annotated[int, Limits(ge=0, lt=2**31)], "time": datetime}
_JSON_TYPES: dict[str, object] = {
    "json": JsonValue,
    "answer": JsonValue,
    "staged": JsonValue,
    "object": dict[str, JsonValue],
    "epochs": dict[str, int],
    "tags": list[str],
}


@cache
def model_of(record: type[NamedTuple]) -> type[BaseModel]:
    """The model of a record: times are text, and JSON is what it stands for."""
    return _model(f"{record.__name__}Model", record, fields_of(record))


@cache
def given_model_of(record: type[NamedTuple]) -> type[BaseModel]:
    """The model of what is given for a record with a key: all but its first field, which is the key."""
    _, *rest = fields_of(record).items()
    return _model(f"New{record.__name__}", record, dict(rest))


def _model(name: str, record: type[NamedTuple], fields: Mapping[str, Field]) -> type[BaseModel]:
    defaults = record._field_defaults
    types: dict[str, Any] = {each: (_type(field), defaults.get(each, ...)) for each, field in fields.items()}
    return create_model(name, __config__=ConfigDict(extra="forbid"), __doc__=record.__doc__, **types)


def _type(field: Field) -> object:
    plain = {str: Plain, int: _Large}.get(field.kind, field.kind)
    kind: Any = (_TYPES | _JSON_TYPES).get(field.word or "", plain)
    return kind | None if field.is_optional else kind


def shown(record: NamedTuple) -> dict[str, object]:
    """The fields of a record as the API shows them."""
    return _changed(record._asdict(), fields_of(type(record)), moment, parsed)


def record_of(kind: type[R], key: str, given: BaseModel) -> R:
    """The record of what was given for a key."""
    fields = fields_of(kind)
    values = {next(iter(fields)): key, **{name: getattr(given, name) for name in type(given).model_fields}}
    return kind(**_changed(values, fields, from_datetime, _rendered))


def _changed(
    values: Mapping[str, object], fields: Mapping[str, Field], time: Callable[[Any], Any], rest: Callable[[Any], Any]
) -> dict[str, object]:
    ways = {"time": time, **dict.fromkeys(_JSON_TYPES, rest)}
    changes = {name: ways[field.word] for name, field in fields.items() if field.word in ways}
    return {
        name: changes[name](value) if value is not None and name in changes else value for name, value in values.items()
    }


def _rendered(value: object) -> str:
    return json.dumps(sorted(value) if isinstance(value, list) else value, ensure_ascii=False)
