"""What a serializer is, and how one is found by its name or its description."""

import difflib
import functools
import importlib
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticUndefined

from perdure._model.errors import DefinitionError, ResultUnreadable, UnknownSerializer, reasons
from perdure._platform.annotations import annotations_in
from perdure._serializers.payload import THRESHOLD, Payload, Source

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as ModelType
else:
    ModelType = type(BaseModel)

_types: "dict[str, type[Serializer]]" = {}
_described: "dict[tuple[Any, ...], Serializer]" = {}  # what plain descriptions stand for: most documents have the same
_described_in_text: "dict[str, Serializer]" = {}
_MOST_DESCRIBED = 100
_LATER = dict.fromkeys(("arrow", "numpy", "parquet"), "perdure._serializers.formats")  # imported once they are named
_WRAPPERS = ("compressed", "encrypted")
_PIECE = 1024 * 1024  # bytes that are copied at once
_OWN_PACKAGE = __name__.partition(".")[0]


class _SerializerType(ModelType):
    """Takes `type = "mine"` for `type: Literal["mine"] = "mine"`, as those who subclass write it first."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        if isinstance(namespace.get("type"), str):
            annotations = annotations_in(namespace)
            annotations.setdefault("type", Literal[namespace["type"]])
            namespace = {**namespace, "__annotations__": annotations}
        return super().__new__(mcs, name, bases, namespace, **options)

    def __call__(cls, *args: object, **fields: object) -> object:
        """`Serializer(type="json")` is the serializer of that type name."""
        name = fields.get("type")
        if cls is not Serializer or args or not isinstance(name, str):
            return super().__call__(*args, **fields)
        if len(fields) == 1:
            return Serializer.from_name(name)
        return _construct(_type_named(name), name, **{each: fields[each] for each in fields if each != "type"})


class Serializer(BaseModel, ABC, metaclass=_SerializerType):
    """Converts objects to bytes and back. Subclass it, with a `type`, to add one of your own.

    What `dumps` gives is stored as text in the result document if it is UTF-8, and the fields of the
    serializer are stored beside it as its description: keep them few, and convertible to JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    ending: ClassVar[str] = ""  # of files of its format: what it puts into a payload is such a file

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

    def dump(self, obj: Any, payload: Payload) -> bytes | None:
        """The bytes of a small object, as `dumps` gives them; a large one goes to the payload, and None is returned.

        A serializer that can write without having all the bytes in memory overrides this and `load`.
        """
        data = self.dumps(obj)
        if len(data) <= THRESHOLD:
            return data
        payload.write(data)
        return None

    def load(self, source: Source) -> Any:
        """The object that `dump` put into a payload. Raises what `loads` raises."""
        return self.loads(bytes(source.view()))

    def content(self, data: bytes) -> bytes:
        """What `dump` would have put into a payload, from what `dumps` gave: the same, unless that is in base64."""
        return data

    def load_part(self, source: Source, columns: Sequence[str] | None, rows: slice | None) -> Any:  # noqa: ARG002
        """Some columns or rows of the object that `dumps` or `dump` wrote, without loading all of it.

        `source` is a payload, or holds what `dumps` gave.

        Raises:
            ResultUnreadable: this serializer has no parts, or the object does not have these.
        """
        raise ResultUnreadable(
            f"The serializer {self.type!r} loads whole values only. Get the whole value, or write it with a serializer"
            " that has parts: 'arrow' or 'parquet' for tables, 'numpy' for arrays."
        )

    @property
    def hides(self) -> bool:
        """Whether what it writes is secret: then no preview of the value is kept."""
        return False

    def check(self) -> None:
        """Find out, before there is a value, whether this process has what writing one needs, such as a key.

        Raises:
            SerializationError: it has not.
        """

    def renewed(self, data: bytes) -> bytes:
        """What `dumps` gave, encrypted anew with the key that is the first now; as it is, if it is not encrypted.

        Raises:
            ResultError: it cannot be decrypted.
        """
        return data

    def renew(self, source: Source, payload: Payload) -> None:
        """Write what `dump` put into a payload to another one, as `renewed` does."""
        shutil.copyfileobj(source.open(), payload, _PIECE)

    def for_exceptions(self) -> "Serializer":
        """The serializer for what a failed run raised: another one if this takes no exceptions."""
        return self

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
        """The serializer of a type name, with default options.

        `"compressed/json"` compresses another's output, `"encrypted/compressed/pickle"` encrypts that of another two.

        Raises:
            UnknownSerializer: no serializer has the name.
        """
        outer, slash, inner = name.partition("/")
        if name in _types or not slash:
            return _construct(_type_named(name), name)
        *wrappers, innermost = name.split("/")
        if not set(wrappers) <= set(_WRAPPERS) or not innermost or not _is_own(_type_named(innermost)):
            raise UnknownSerializer(
                f"{name!r} names no serializer: the shortcuts 'compressed/<type>' and 'encrypted/<type>' are for"
                f" Perdure's own types ({', '.join(_own_names())}). For another, pass"
                f" {outer.capitalize() if outer in _WRAPPERS else 'Compressed'}Serializer(serializer=<an instance>)."
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
        key = (*description, *description.values())
        try:
            found = _described.get(key)
        except TypeError:  # it holds another one, which has no hash
            return Serializer._built(description)
        if found is not None and _types.get(description["type"]) is type(found):
            return found
        found = Serializer._built(description)
        if all(type(each) is str for each in key) and len(_described) < _MOST_DESCRIBED:
            _described[key] = found
        return found

    @staticmethod
    def _built(description: Mapping[str, object]) -> "Serializer":
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


def serializer_in(description: str) -> Serializer:
    """The serializer of a description as JSON text. Raises what `Serializer.from_description` raises."""
    found = _described_in_text.get(description)
    if found is None:
        found = Serializer.from_description(json.loads(description))
        if len(_described_in_text) < _MOST_DESCRIBED:
            _described_in_text[description] = found
    return found


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
    if _LATER.get(name, kind.__module__) != kind.__module__:
        raise DefinitionError(
            f"The serializer type {name!r} is Perdure's own; give {kind.__qualname__} another `type`."
        )
    # The same definition, run again (a reloaded module, a notebook cell), replaces itself.
    if known is not None and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise DefinitionError(
            f"The serializer type {name!r} is taken by {known.__module__}.{known.__qualname__};"
            f" give {kind.__module__}.{kind.__qualname__} another `type`."
        )
    _types[name] = kind
    _described.clear()
    _described_in_text.clear()
    if known is not None:
        _named.cache_clear()


def _type_named(name: str) -> type[Serializer]:
    # The first name that is asked for may come before the package is imported, or while another thread imports it.
    importlib.import_module(_LATER.get(name, "perdure.serializers"))
    try:
        return _types[name]
    except KeyError:
        close = difflib.get_close_matches(name, _names(), n=1)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise UnknownSerializer(
            f"No serializer has the type {name!r}.{meant} Known: {', '.join(_names())}. To add one, import or define"
            f' a subclass of perdure.serializers.Serializer with `type: Literal["{name}"] = "{name}"`.'
        ) from None


def serializer_class(name: str) -> type[Serializer]:
    """The class of a serializer's type, such as "json".

    Raises:
        UnknownSerializer: there is none; names the nearest.
    """
    return _type_named(name)


def serializer_classes() -> dict[str, type[Serializer]]:
    """All types of serializers that are known here, by their names."""
    return {name: _type_named(name) for name in sorted({*_types, *_LATER})}


def _construct(kind: type[Serializer], name: str, **fields: object) -> Serializer:
    try:
        return kind(**fields)
    except ValidationError as error:
        lacking = any(each["type"] == "missing" for each in error.errors())
        how = " by its name alone; pass an instance instead" if lacking else ""
        raise UnknownSerializer(f"The serializer {name!r} cannot be used{how}: {reasons(error)}.") from None


def _names() -> list[str]:
    return sorted({*_types, *_LATER, *(f"{outer}/{each}" for outer in _WRAPPERS for each in _own_names())})


def _own_names() -> list[str]:
    return sorted({name for name, kind in _types.items() if _is_own(kind)}.union(_LATER).difference(_WRAPPERS))


def _is_own(kind: type[Serializer]) -> bool:
    return kind.__module__.partition(".")[0] == _OWN_PACKAGE
