"""From Python objects to plain JSON values, with a tagged dict for each type that JSON lacks.

A tag is `{"__class__": "<module>.<name>", "data": …}`, for exceptions `{"__exc_type__": …, "message": …}`.
These are the forms of Prefect 2, whose decoder looks at no other keys; what else it takes to rebuild an
object exactly is written in further keys of the tag, so its decoder reads what it can.
"""

import contextlib
import dataclasses
import enum
import math
import types
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from perdure._model.errors import ResultError, SerializationError
from perdure._serializers import json_state as state
from perdure._serializers.json_classes import find_class, path_of
from perdure._serializers.json_decode import decode, member_of
from perdure._serializers.json_numpy import numpy_types, write_scalar
from perdure._serializers.json_types import NAMES, TYPES

_SCALARS = frozenset({type(None), bool, int, str})
_MAX_CAUSES = 10


def is_plain(value: object) -> bool:
    """Whether JSON can hold a value as it is: exact built-in types, finite numbers, text keys, no tags."""
    try:
        return _is_plain(value)
    except RecursionError:
        return False


def encode(value: object) -> object:
    """A plain JSON value that stands for an object, and that `json_decode.decode` makes the object from again.

    Taken are None, bool, int, float (NaN and infinities too), str, bytes; lists, tuples, sets, dicts with
    any keys and their kin in `collections`; dates, times, durations and zones; Decimal, Fraction, complex,
    UUID, paths, network addresses, patterns, ranges; enums, named tuples, dataclasses, pydantic models and
    URLs, with all attributes that they have; numpy's scalars; exceptions, of which the causes come back as notes.

    Raises:
        SerializationError: names the path of a value that cannot be encoded or would come back as another, and what
            to do.
    """
    encoder = _Encoder()
    try:
        return encoder.encode(value)
    except RecursionError as error:
        raise SerializationError("result: it refers to itself, or is nested too deeply for JSON.") from error


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        if "__class__" in value or "__exc_type__" in value:
            return False
        for key, item in value.items():
            if type(key) is not str or not (type(item) in _SCALARS or _is_plain(item)):
                return False
        return True
    if kind is list:
        # A loop, for it costs half of what `all` over a generator does; this is on the path of every result.
        for item in value:  # noqa: SIM110
            if not (type(item) in _SCALARS or _is_plain(item)):
                return False
        return True
    return kind in _SCALARS or (kind is float and math.isfinite(value))


class _Encoder:
    """Encodes one value, knowing the path to where it is."""

    def __init__(self) -> None:
        self._path = ["result"]

    def encode(self, value: Any) -> object:
        kind = type(value)
        if kind in _SCALARS or (kind is float and math.isfinite(value)):
            return value
        if kind is list:
            return self._list(value)
        if kind is dict and all(type(key) is str for key in value) and not {"__class__", "__exc_type__"} & value.keys():
            return {key: self._part(f'["{key}"]', item) for key, item in value.items()}
        if kind in TYPES:
            return self._builtin(kind, value)
        return self._object(kind, value)

    def _part(self, step: str, value: object) -> object:
        self._path.append(step)
        encoded = self.encode(value)
        self._path.pop()
        return encoded

    def _list(self, values: Iterable[object]) -> list[object]:
        return [self._part(f"[{index}]", item) for index, item in enumerate(values)]

    def _pairs(self, value: Mapping[Any, object]) -> list[list[object]]:
        # Each path is made of the key's text, not of its place in the list of pairs.
        steps = ((f'["{key}"]' if isinstance(key, str) else f"[{key!r}]", key) for key in value)
        return [[self._part(f".key{step}", key), self._part(step, value[key])] for step, key in steps]

    def _fields(self, names: Iterable[str], value: object) -> dict[str, object]:
        return {name: self._part(f".{name}", getattr(value, name)) for name in names}

    def _builtin(self, kind: type, value: Any) -> dict[str, object]:
        try:
            tag = TYPES[kind].write(value)
        except (TypeError, ValueError) as error:
            raise self._refusal(str(error)) from error
        data = self._pairs(value) if issubclass(kind, dict) else self.encode(tag["data"])
        return {"__class__": NAMES[kind], **tag, "data": data}

    def _object(self, kind: type, value: object) -> object:
        if isinstance(value, enum.Enum):
            return self._member(kind, value)
        if isinstance(value, BaseException):
            return self._exception(value)
        if isinstance(value, BaseModel):
            return self._model(value)
        if isinstance(value, Secret | SecretStr | SecretBytes):
            raise self._refusal("it is a secret, and JSON results can be read; return what the secret gives access to")
        if dataclasses.is_dataclass(value):
            return self._dataclass(kind, value)
        if isinstance(value, tuple) and hasattr(kind, "_fields"):
            tag: dict[str, object] = {"__class__": self._path_of(kind), "data": self._list(value)}
            return self._with_attributes(tag, state.attributes_of(value))
        if kind.__module__ == "pydantic.networks":
            return {"__class__": path_of(kind), "data": str(value)}
        if kind in numpy_types():
            return {"__class__": f"numpy.{kind.__name__}", **write_scalar(value, self.encode)}
        raise self._refusal(
            f"JSON cannot hold a {path_of(kind)}; convert it, use result_serializer='pickle',"
            " or give JSONSerializer an object_encoder and object_decoder"
        )

    def _member(self, kind: type[enum.Enum], value: enum.Enum) -> dict[str, object]:
        data = self._part(".value", value.value)
        with contextlib.suppress(ResultError):
            if member_of(kind, decode(data)) is value:
                return {"__class__": self._path_of(kind), "data": data}
        raise self._refusal(f"the member {value.name} of its enum is not found by its value {value.value!r:.80}")

    def _dataclass(self, kind: type, value: Any) -> dict[str, object]:
        if not state.is_plain_object(kind):
            raise self._refusal(f"its class {path_of(kind)} has content besides its attributes, which JSON would lose")
        names = [field.name for field in dataclasses.fields(value) if hasattr(value, field.name)]
        tag = {"__class__": self._path_of(kind), "data": self._fields(names, value), "exact": True}
        return self._with_attributes(tag, state.attributes_of(value, besides=names))

    def _with_attributes(self, tag: dict[str, object], attributes: Mapping[str, object]) -> dict[str, object]:
        return {**tag, "attributes": self._named(attributes)} if attributes else tag

    def _named(self, attributes: Mapping[str, object]) -> object:
        encoded = {name: self._part(f".{name}", item) for name, item in attributes.items()}
        return self._escaped(encoded)

    def _model(self, model: BaseModel) -> dict[str, object]:
        kind, values = type(model), vars(model)
        missing = [name for name in kind.model_fields if name not in values]
        if missing or not state.is_plain_object(kind):
            raise self._refusal(
                f"its field {missing[0]!r} was never set"
                if missing
                else f"its class {path_of(kind)} has content besides its fields, which JSON would lose"
            )
        names = [name for name, field in kind.model_fields.items() if not field.exclude]
        for name in kind.model_fields.keys() - set(names):
            if not state.is_default(kind, name, values):
                raise self._refusal(
                    f"its field {name!r} is excluded from serialization, and would come back as its default; use"
                    " result_serializer='pickle'"
                )
        tag = {"__class__": self._path_of(kind), "data": self._fields(names, model), "exact": True}
        if model.model_fields_set != set(names):
            tag["fields_set"] = sorted(model.model_fields_set)
        if model.__pydantic_extra__:
            tag["extra"] = self._named(model.__pydantic_extra__)
        if kind.__private_attributes__:
            tag["private"] = self._named(model.__pydantic_private__ or {})
        return self._with_attributes(tag, state.attributes_of(model, besides=kind.model_fields))

    def _exception(self, error: BaseException) -> dict[str, object]:
        tag: dict[str, object] = {"__exc_type__": self._path_of(type(error)), "message": _text(error)}
        tag["args"] = [self._part_or_text(f".args[{index}]", arg) for index, arg in enumerate(error.args)]
        attributes = {name: self._part_or_text(f".{name}", item) for name, item in _state(error).items()}
        if attributes:
            tag["state"] = self._escaped(attributes)
        causes = _causes(error)
        return {**tag, "causes": causes} if causes else tag

    def _part_or_text(self, step: str, value: object) -> object:
        """As `_part`, but what cannot be encoded becomes text: an error must not hide behind another error."""
        depth = len(self._path)
        try:
            return self._part(step, value)
        except SerializationError:
            del self._path[depth:]
            return _text(value)

    def _escaped(self, encoded: dict[str, object]) -> object:
        """A dict of text keys whose values are encoded already, distinguishable from a tag."""
        if not {"__class__", "__exc_type__"} & encoded.keys():
            return encoded
        return {"__class__": NAMES[dict], "data": [[key, item] for key, item in encoded.items()]}

    def _path_of(self, kind: type) -> str:
        path = path_of(kind)
        if find_class(path) is not kind:
            raise self._refusal(
                f"its class {path} cannot be found by that name; define it at the top level of a module"
            )
        return path

    def _refusal(self, reason: str) -> SerializationError:
        return SerializationError(f"{''.join(self._path)}: {reason}.")


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # the user's own __str__
        return f"<{path_of(type(value))} that cannot be shown>"


def _state(error: BaseException) -> dict[str, object]:
    """The attributes of an exception beyond its args: the user's own, and those that built-in classes define."""
    found: dict[str, object] = {}
    for base in type(error).__mro__:
        if base.__module__ != "builtins" or base in (BaseException, BaseExceptionGroup, ExceptionGroup, AttributeError):
            continue
        for name, attribute in vars(base).items():
            if isinstance(attribute, types.MemberDescriptorType | types.GetSetDescriptorType) and name[0] != "_":
                with contextlib.suppress(AttributeError):
                    found[name] = getattr(error, name)
    return {name: item for name, item in found.items() if item is not None} | state.attributes_of(error)


def _causes(error: BaseException) -> list[str]:
    """What led to an exception, nearest first, as text."""
    causes: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while cause is not None and len(causes) < _MAX_CAUSES:
        causes.append(f"{type(cause).__qualname__}: {_text(cause)}")
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return causes
