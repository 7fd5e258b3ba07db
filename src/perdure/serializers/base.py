"""What a serializer is, and how one is found by its name or its description."""

import difflib
import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticUndefined

from perdure.core.errors import DefinitionError, ResultUnreadable, UnknownSerializer, reasons

_types: "dict[str, type[Serializer]]" = {}
_OWN_PACKAGE = __name__.rpartition(".")[0]


class Serializer(BaseModel, ABC):
    """Converts objects to bytes and back. Subclass it, with a `type`, to add one of your own.

    What `dumps` gives is stored as text in the result document if it is UTF-8, and the fields of the
    serializer are stored beside it as its description: keep them few, and convertible to JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str

    @abstractmethod
    def dumps(self, obj: Any) -> bytes:
        """The bytes of an object.

        Raises:
            SerializationError: the object cannot be converted; names the part that cannot.
        """

    @abstractmethod
    def loads(self, data: bytes) -> Any:
        """The object that `dumps` made the bytes from.

        Raises:
            ResultCorrupt: the bytes are not what was written.
            ResultUnreadable: the bytes are whole, but this process cannot rebuild the object.
        """

    def describe(self) -> dict[str, Any]:
        """Everything needed to build this serializer again, as plain JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.model_fields["type"].default
        if name is not PydanticUndefined:
            _register(name, cls)

    @staticmethod
    def from_name(name: str) -> "Serializer":
        """The serializer of a type name, with default options; `"compressed/json"` compresses another's output.

        Raises:
            UnknownSerializer: no serializer has the name.
        """
        outer, slash, inner = name.partition("/")
        if name in _types or not slash:
            return _construct(_type_named(name), name)
        if outer != "compressed" or not inner or not _is_own(_type_named(inner)):
            raise UnknownSerializer(
                f"{name!r} names no serializer: the shortcut 'compressed/<type>' is for Perdure's own types"
                f" ({', '.join(_own_names())}). For another, pass CompressedSerializer(serializer=<an instance>)."
            )
        return _construct(_type_named(outer), name, serializer=inner)

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "Serializer":
        """The serializer that a result document describes; the reverse of `describe`.

        Modules and functions that the description names are used only if they are well known, or if
        this process chose them itself by constructing a serializer with them: a document cannot make
        its reader import or call whatever it likes.

        Raises:
            UnknownSerializer: no serializer has the description's type.
            ResultUnreadable: the description does not fit the serializer as it is here.
        """
        fields = dict(description)
        name = fields.pop("type", None)
        if not isinstance(name, str):
            raise ResultUnreadable(f"The serializer's description has no type name: {description!r}.")
        if name not in _types and name.startswith("compressed/"):  # Prefect 2 writes the shortcut as a type
            fields.setdefault("serializer", name.partition("/")[2])
            name = "compressed"
        kind = _type_named(name)
        try:
            return kind.model_validate(fields, context={"from_document": True})
        except ValidationError as error:
            raise ResultUnreadable(
                f"The serializer {name!r} cannot be built from its description: {reasons(error)}."
            ) from None


def resolve(value: str | Serializer | None, default: str) -> Serializer:
    """The serializer that a user asked for by name or instance; the one named `default` for None.

    Raises:
        UnknownSerializer: no serializer has the name.
    """
    if isinstance(value, Serializer):
        return value
    if value is not None and not isinstance(value, str):
        raise UnknownSerializer(
            f"A result serializer is a type name or a Serializer, not {value!r}. Known names: {', '.join(_names())}."
        )
    return _named(default if value is None else value)


_named = functools.lru_cache(maxsize=64)(Serializer.from_name)


def _register(name: str, kind: type[Serializer]) -> None:
    known = _types.get(name)
    # The same definition, run again (a reloaded module, a notebook cell), replaces itself.
    if known is not None and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise DefinitionError(
            f"The serializer type {name!r} is taken by {known.__module__}.{known.__qualname__};"
            f" give {kind.__module__}.{kind.__qualname__} another `type`."
        )
    _types[name] = kind
    if known is not None:
        _named.cache_clear()


def _type_named(name: str) -> type[Serializer]:
    try:
        return _types[name]
    except KeyError:
        close = difflib.get_close_matches(name, _names(), n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise UnknownSerializer(
            f"No serializer has the type {name!r}.{meant} Known: {', '.join(_names())}. To add one, import or define"
            f' a subclass of perdure.serializers.Serializer with `type: Literal["{name}"] = "{name}"`.'
        ) from None


def _construct(kind: type[Serializer], name: str, **fields: Any) -> Serializer:
    try:
        return kind(**fields)
    except ValidationError as error:
        raise UnknownSerializer(
            f"The serializer {name!r} cannot be used by its name alone; pass an instance instead: {reasons(error)}."
        ) from None


def _names() -> list[str]:
    return sorted([*_types, *(f"compressed/{each}" for each in _own_names())])


def _own_names() -> list[str]:
    return sorted(name for name, kind in _types.items() if _is_own(kind) and name != "compressed")


def _is_own(kind: type[Serializer]) -> bool:
    return kind.__module__.rpartition(".")[0] == _OWN_PACKAGE
