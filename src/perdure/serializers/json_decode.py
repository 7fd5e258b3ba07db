"""From plain JSON values back to Python objects.

No class is imported, and none is built but what is listed in `json_types` and, from the modules that this
process has imported, enums, named tuples, dataclasses, pydantic models and URLs, and exceptions. Objects
that Perdure wrote are rebuilt without running their `__init__` or validators; those that Prefect 2 wrote
are validated, for it wrote their fields without types.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from perdure.core.errors import PerdureError, ResultCorrupt, ResultUnreadable
from perdure.serializers.json_classes import find_class
from perdure.serializers.json_types import READERS, Tag


def decode(value: Any) -> Any:
    """The object that a plain JSON value stands for; see `json_encode.encode`.

    Raises:
        ResultCorrupt: a tag does not hold what its type is written as.
        ResultUnreadable: a tag names a class that this process has not imported, or that has changed.
    """
    kind = type(value)
    if kind is list:
        return [decode(item) for item in value]
    if kind is not dict:
        return value
    if "data" in value and type(value.get("__class__")) is str:
        return _tagged(value["__class__"], decode(value["data"]), value)
    if "message" in value and type(value.get("__exc_type__")) is str:
        return _exception(value["__exc_type__"], value)
    return {key: decode(item) for key, item in value.items()}


def _tagged(path: str, data: Any, tag: Tag) -> Any:
    read = READERS.get(path) or _reader_of(path)
    try:
        return read(data, tag)
    except (PerdureError, RecursionError):
        raise
    except ValidationError as error:
        raise ResultUnreadable(f"{path} does not accept the data that it was written as: {error}") from error
    except Exception as error:
        raise ResultCorrupt(f"{path} cannot be read from {data!r:.80}: {type(error).__name__}: {error}.") from error


def _reader_of(path: str) -> Callable[[Any, Tag], Any]:
    kind = _class_of(path)
    if issubclass(kind, enum.Enum):
        return lambda data, _: _member(kind, data)
    if issubclass(kind, BaseModel):
        return lambda data, tag: _model(kind, data, tag)
    if dataclasses.is_dataclass(kind):
        return lambda data, tag: _dataclass(kind, data, tag)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return lambda data, _: _named_tuple(kind, data)
    if kind.__module__ == "pydantic.networks":
        return lambda data, _: TypeAdapter(kind).validate_python(data)
    return _refuse(
        path, "is not of a kind that is rebuilt from JSON: an enum, named tuple, dataclass, pydantic model or exception"
    )


def _class_of(path: str) -> type:
    kind = find_class(path)
    if kind is None:
        module = path.rpartition(".")[0]
        if module == "__main__":
            _refuse(path, "was defined in the script that wrote it; define it in a module that both can import")
        _refuse(path, f"is not known to this process; import its module ({module}) first")
    return kind


def _refuse(path: str, reason: str) -> NoReturn:
    raise ResultUnreadable(f"The JSON holds a {path}, which {reason}.")


def _member(kind: type[enum.Enum], data: Any) -> enum.Enum:
    try:
        return kind(data)
    except ValueError as error:
        raise ResultUnreadable(f"The JSON holds an enum member that is no more: {error}.") from error


def _named_tuple(kind: type, data: list[Any]) -> Any:
    if len(data) != len(kind._fields):  # type: ignore[attr-defined]
        raise ResultUnreadable(f"The JSON holds {len(data)} fields of {kind.__qualname__}, which now has others.")
    return tuple.__new__(kind, data)


def _dataclass(kind: type, data: dict[str, Any], tag: Tag) -> Any:
    if not tag.get("exact"):
        return TypeAdapter(kind).validate_python(data)
    fields = dataclasses.fields(kind)
    _check_names(kind, data, {field.name for field in fields})
    made: Any = object.__new__(kind)
    for field in fields:
        if field.name in data:
            object.__setattr__(made, field.name, data[field.name])
        elif field.default is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default)
        elif field.default_factory is not dataclasses.MISSING:
            object.__setattr__(made, field.name, field.default_factory())
        elif field.init:
            _refuse_new_field(kind, field.name)
    return made


def _model(kind: type[BaseModel], data: dict[str, Any], tag: Tag) -> BaseModel:
    if not tag.get("exact"):
        return kind.model_validate(data)
    _check_names(kind, data, kind.model_fields.keys())
    values: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if name not in data and field.is_required():
            _refuse_new_field(kind, name)
        values[name] = (
            data[name] if name in data else field.get_default(call_default_factory=True, validated_data=values)
        )
    private = {
        name: each.get_default()
        for name, each in kind.__private_attributes__.items()
        if each.default is not PydanticUndefined or each.default_factory
    }
    model = kind.__new__(kind)
    BaseModel.__setstate__(
        model,
        {
            "__dict__": values,
            "__pydantic_extra__": decode(tag.get("extra", {})) if kind.model_config.get("extra") == "allow" else None,
            "__pydantic_fields_set__": set(tag.get("fields_set", data)),
            "__pydantic_private__": private or None,
        },
    )
    return model


def _check_names(kind: type, data: Mapping[str, Any], known: Any) -> None:
    unknown = sorted(data.keys() - known)
    if unknown:
        raise ResultUnreadable(f"The JSON holds a field {unknown[0]!r} that {kind.__qualname__} no longer has.")


def _refuse_new_field(kind: type, name: str) -> NoReturn:
    raise ResultUnreadable(
        f"The JSON holds a {kind.__qualname__} written before its field {name!r} was; give the field a default."
    )


def _exception(path: str, tag: Tag) -> BaseException:
    kind = _class_of(path)
    if not issubclass(kind, BaseException):
        _refuse(path, "is not an exception")
    args = decode(tag.get("args", [tag["message"]]))
    try:
        error = kind.__new__(kind, *args)
        error.args = tuple(args)
        for name, item in decode(tag.get("state", {})).items():
            object.__setattr__(error, name, item)
        for cause in tag.get("causes", ()):
            error.add_note(f"Caused by {cause}")
    except (PerdureError, RecursionError):
        raise
    except Exception as failure:
        raise ResultUnreadable(f"The exception {path} cannot be rebuilt: {failure}.") from failure
    return error
