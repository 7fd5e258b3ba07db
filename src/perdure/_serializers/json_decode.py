"""From plain JSON values back to Python objects.

No class is imported, and none is built but what is listed in `json_types`, pydantic's URLs and, from the modules that
this process has imported, enums, named tuples, dataclasses, pydantic models and exceptions; `json_admission` says of
which classes. Objects that Perdure wrote are rebuilt without running their `__init__` or validators. Prefect 2 wrote
fields without types: its objects are validated, unless that calls code that the allow-list does not name.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from perdure._model.errors import PerdureError, ResultCorrupt, ResultUnreadable
from perdure._serializers.json_admission import check_admitted, check_builds_plainly
from perdure._serializers.json_bounds import items, mapping
from perdure._serializers.json_classes import find_class, path_of
from perdure._serializers.json_numpy import NUMPY_READERS
from perdure._serializers.json_state import restore
from perdure._serializers.json_types import READERS, Tag
from perdure._serializers.json_urls import URL_READERS
from perdure._serializers.modules import without_choosing


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


def _tagged(path: str, data: object, tag: Tag) -> object:
    read = READERS.get(path) or URL_READERS.get(path) or NUMPY_READERS.get(path) or _reader_of(path)
    try:
        return read(data, tag)
    except (PerdureError, RecursionError):
        raise
    except ValidationError as error:
        raise ResultUnreadable(f"{path} does not accept the data that it was written as: {error}") from error
    except Exception as error:
        raise ResultCorrupt(f"{path} cannot be read from {data!r:.80}: {type(error).__name__}: {error}.") from error


def _reader_of(path: str) -> Callable[[Any, Tag], object]:
    kind = _class_of(path)
    check_admitted(kind)
    if issubclass(kind, enum.Enum):
        return lambda data, _: member_of(kind, data)
    if issubclass(kind, BaseModel):
        return lambda data, tag: _model(kind, data, tag)
    if dataclasses.is_dataclass(kind):
        return lambda data, tag: _dataclass(kind, data, tag)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return lambda data, tag: _named_tuple(kind, data, tag)
    return _refuse(
        path, "is not of a kind that is rebuilt from JSON: an enum, named tuple, dataclass, pydantic model or exception"
    )


def _class_of(path: str) -> type:
    kind = find_class(path)
    if kind is not None and not isinstance(kind.__module__, str):  # a class of classes, of compiled code
        _refuse(path, "is no class of values")
    if kind is None:
        module = path.rpartition(".")[0]
        if module == "__main__":
            _refuse(path, "was defined in the script that wrote it; read it in that, or define it in a module")
        _refuse(path, f"is not known to this process; import its module ({module}) first")
    return kind


def _refuse(path: str, reason: str) -> NoReturn:
    raise ResultUnreadable(f"The JSON holds a {path}, which {reason}.")


def member_of(kind: type[enum.Enum], data: object) -> enum.Enum:
    """The member of a value, found without code of the class. Raises ResultUnreadable if there is none."""
    if getattr(kind._missing_, "__func__", None) not in _MISSING:  # code of the class, which no member needs
        for member in kind.__members__.values():
            if type(member._value_) is type(data) and member._value_ == data:
                return member
        _refuse(path_of(kind), f"has no member {data!r:.80} any more")
    try:
        return kind(data)
    except ValueError as error:
        raise ResultUnreadable(f"The JSON holds an enum member that is no more: {error}.") from error


_MISSING = (enum.Enum._missing_.__func__, enum.Flag._missing_.__func__)  # type: ignore[attr-defined]


def _named_tuple(kind: type, data: Any, tag: Tag) -> object:
    if len(items(data)) != len(kind._fields):  # type: ignore[attr-defined]
        raise ResultUnreadable(f"The JSON holds {len(data)} fields of {kind.__qualname__}, which now has others.")
    return _with_attributes(tuple.__new__(kind, data), tag)


def _with_attributes(made: object, tag: Tag) -> Any:
    if "attributes" in tag:
        restore(made, mapping(decode(tag["attributes"])))
    return made


def _dataclass(kind: type, data: dict[str, object], tag: Tag) -> object:
    if not tag.get("exact"):
        return _validated(kind, data)
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
    return _with_attributes(made, tag)


def _validated(kind: type, data: object) -> Any:
    check_builds_plainly(kind)
    if _holds_range(data):  # which may stand for any number of items; Prefect wrote none
        raise ResultUnreadable(f"The JSON holds a {kind.__qualname__} that was not written by Prefect.")
    with without_choosing():
        return TypeAdapter(kind).validate_python(data)


def _holds_range(data: object) -> bool:
    if isinstance(data, dict):
        return any(map(_holds_range, data.values()))
    return isinstance(data, range) or (isinstance(data, list | tuple) and any(map(_holds_range, data)))


def _model(kind: type[BaseModel], data: dict[str, object], tag: Tag) -> BaseModel:
    if not tag.get("exact"):
        validated: BaseModel = _validated(kind, data)
        return validated
    _check_names(kind, data, kind.model_fields.keys())
    values: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        if name not in data and field.is_required():
            _refuse_new_field(kind, name)
        values[name] = (
            data[name] if name in data else field.get_default(call_default_factory=True, validated_data=values)
        )
    model: BaseModel = object.__new__(kind)
    BaseModel.__setstate__(
        model,
        {
            "__dict__": values,
            "__pydantic_extra__": decode(tag.get("extra", {})) if kind.model_config.get("extra") == "allow" else None,
            "__pydantic_fields_set__": set(tag.get("fields_set", data)),
            "__pydantic_private__": _private(kind, tag),
        },
    )
    made: BaseModel = _with_attributes(model, tag)
    return made


def _private(kind: type[BaseModel], tag: Tag) -> dict[str, Any] | None:
    """The private attributes as they were, those that were not set left out."""
    known = kind.__private_attributes__
    if "private" in tag:
        written: dict[str, Any] = mapping(decode(tag["private"]))
        _check_names(kind, written, known.keys())
    else:  # an earlier version wrote it
        written = {
            name: each.get_default()
            for name, each in known.items()
            if each.default is not PydanticUndefined or each.default_factory
        }
    return written if known else None


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
    check_admitted(kind)
    args = decode(tag.get("args", [tag["message"]]))
    try:
        error = _new_exception(kind, items(args))
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


def _new_exception(kind: type[BaseException], args: list[Any]) -> BaseException:
    """An exception made by the class of Python's own that it is derived from, whatever `__new__` it has itself."""
    if issubclass(kind, BaseExceptionGroup) and not (len(args) == 2 and isinstance(args[1], list | tuple)):
        raise TypeError("a group has a message and a list of exceptions")
    own = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    made: BaseException = own.__new__(kind, *args)
    return made
