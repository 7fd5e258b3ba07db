"""JSON: readable by people and by other languages, and safe to load."""

import functools
import json
import types
from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from perdure._model.errors import PerdureError, ResultCorrupt, ResultUnreadable, SerializationError
from perdure._serializers.base import Serializer
from perdure._serializers.json_decode import decode
from perdure._serializers.json_encode import encode, is_plain
from perdure._serializers.modules import check_choice, import_function, import_module

DEFAULT_ENCODER = "perdure.serializers.json_encode.encode"
DEFAULT_DECODER = "perdure.serializers.json_decode.decode"
_NAMES_IN_PREFECT = {
    "prefect.serializers.prefect_json_object_encoder": DEFAULT_ENCODER,
    "prefect.serializers.prefect_json_object_decoder": DEFAULT_DECODER,
}
_unescaped = json.JSONEncoder(ensure_ascii=False).encode


class JSONSerializer(Serializer):
    """UTF-8 JSON, with types that JSON lacks written as `{"__class__": "datetime.date", "data": "2024-05-01"}`.

    By default every type that pydantic supports comes back as it was: see `json_encode.encode`. Loading
    never imports a class, and calls no code of one that the allow-list does not name.

    `jsonlib` names a module with `dumps` and `loads`, called with `dumps_kwargs` and `loads_kwargs`.
    `object_encoder` and `object_decoder` replace the default ones. They are functions, or dotted paths of
    functions: the first is called with an object that JSON lacks and returns what stands for it; the
    second is called with each decoded dict and returns what it stands for. None leaves plain JSON.
    """

    type: Literal["json"] = "json"
    jsonlib: str = "json"
    object_encoder: str | None = DEFAULT_ENCODER
    object_decoder: str | None = DEFAULT_DECODER
    dumps_kwargs: dict[str, Any] = Field(default_factory=dict)
    loads_kwargs: dict[str, Any] = Field(default_factory=dict)

    @field_validator("jsonlib")
    @classmethod
    def _check_jsonlib(cls, name: str, info: ValidationInfo) -> str:
        check_choice(name, info)
        _library(name)
        return name

    @field_validator("object_encoder", "object_decoder", mode="before")
    @classmethod
    def _path_of_function(cls, value: Any, info: ValidationInfo) -> object:
        path = f"{value.__module__}.{value.__qualname__}" if isinstance(value, types.FunctionType) else value
        if isinstance(value, types.FunctionType) and "<" in path:
            raise ValueError(f"{path} cannot be found by a reader; define it at the top level of a module")
        path = _NAMES_IN_PREFECT.get(path, path) if isinstance(path, str) else path
        if isinstance(path, str) and path not in (DEFAULT_ENCODER, DEFAULT_DECODER):
            check_choice(path, info)
            _function(path, str(info.field_name))
        return path

    @field_validator("dumps_kwargs", "loads_kwargs")
    @classmethod
    def _check_kwargs(cls, value: dict[str, object], info: ValidationInfo) -> dict[str, object]:
        for name, option in (("default", "object_encoder"), ("object_hook", "object_decoder")):
            if name in value:
                raise ValueError(f"{name!r} cannot be in {info.field_name}: give the function as {option}")
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{info.field_name} must be JSON, for the result document names them: {error}") from error
        return value

    def describe(self) -> dict[str, Any]:
        described = self.model_dump(mode="json")
        # What is left out is the default, here and in Prefect 2: documents stay readable by both.
        for name, default in (("object_encoder", DEFAULT_ENCODER), ("object_decoder", DEFAULT_DECODER)):
            if described[name] == default:
                del described[name]
        return described

    def dumps(self, obj: object) -> bytes:
        default = None
        if self.object_encoder == DEFAULT_ENCODER:
            obj = obj if is_plain(obj) else encode(obj)
        elif self.object_encoder is not None:
            default = _function(self.object_encoder, "object_encoder")
        try:
            text = self._to_text(obj, default)
            return text.encode() if isinstance(text, str) else bytes(text)
        except (PerdureError, MemoryError):
            raise
        except Exception as error:
            raise SerializationError(f"result: {self.jsonlib} cannot write it: {error}.") from error

    def loads(self, data: bytes) -> Any:
        try:
            value = _library(self.jsonlib).loads(data, **self.loads_kwargs)
        except RecursionError as error:
            raise ResultUnreadable("The JSON is nested too deeply to be read here.") from error
        except TypeError as error:
            raise ResultUnreadable(f"{self.jsonlib}.loads cannot be called: {error}.") from error
        except MemoryError:
            raise
        except Exception as error:  # each library has its own
            raise ResultCorrupt(f"The data is not JSON: {error}.") from error
        try:
            return self._decode(value, data)
        except RecursionError as error:
            raise ResultUnreadable("The JSON is nested too deeply to be rebuilt here.") from error

    def _decode(self, value: object, data: bytes) -> object:
        if self.object_decoder == DEFAULT_DECODER:
            return decode(value) if b"__class__" in data or b"__exc_type__" in data else value
        if self.object_decoder is not None:
            return _apply(_function(self.object_decoder, "object_decoder"), value)
        return value

    def _to_text(self, obj: object, default: Callable[[object], object] | None) -> str | bytes:
        if self.jsonlib == "json" and default is None and not self.dumps_kwargs:
            text = _unescaped(obj)
            try:
                return text.encode()
            except UnicodeEncodeError:  # a lone surrogate: UTF-8 cannot hold it, but JSON can escape it
                escaped = json.dumps(obj)
                if json.loads(escaped) != obj:
                    raise ValueError("two lone surrogates side by side would come back as one character") from None
                return escaped
        options = {} if default is None else {"default": default}
        written: str | bytes = _library(self.jsonlib).dumps(obj, **options, **self.dumps_kwargs)
        return written


def _apply(function: Callable[[object], object], value: object) -> object:
    """What a decoder makes of each dict in a value, innermost first, whichever library parsed it."""
    if isinstance(value, dict):
        return function({key: _apply(function, item) for key, item in value.items()})
    return [_apply(function, item) for item in value] if isinstance(value, list) else value


@functools.cache
def _library(name: str) -> Any:
    return import_module(name, ("dumps", "loads"), "jsonlib")


@functools.cache
def _function(path: str, option: str) -> Callable[..., object]:
    return import_function(path, option)
