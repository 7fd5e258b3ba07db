"""The walker that makes digests of values: what counts of each, part by part, in one order in every process.

The problem: a cache key, and the identity of a step, need one short text for an argument: the same for equal values,
in every process, on every day; another one for values that differ. `hash()` differs between processes. `repr` leaves
much out. `pickle` is nearly right, but equal values have several pickles: a set has no order, and a list with the same
string twice is written in another way than one with two equal strings.

The idea: walk through the value and feed a hash with a *text of its structure*, in which each part has its type and
its length, so that no two values run together:

    [1, "ab"]      ->  list:2: int:1:1 str:2:ab
    ["a", "b"]     ->  list:2: str:1:a str:1:b          (there are no spaces in it)
    {3, 1}         ->  set:2: and the digests of 3 and of 1, sorted: a set has no order
    a = []; a.append(a)  ->  list:1: cycle:1:0          what contains itself: the depth of what is met again

Plain containers, dataclasses, pydantic models and enums are gone through as they are, and common libraries' values by
what `contents` says of them. All else counts by its type's own reduction, the one that pickles are made of: so what is
left out, nobody has forgotten here. What has no reduction either is an error that names the part by its path.

What always holds:

- Equal structure, equal digest, and the other way round. Whether parts are one object or equal ones does not count.
- Digests last: they are in databases. A change of what is fed for a value that could be digested before makes every
  cache miss, and is a break. `former` says how a digest is related to the one that earlier versions made.
- Nothing here calls itself: parts are taken from a stack of iterators, so depth is a question of memory alone.
- A part that is met many times is walked many times. With more than `MANY` parts it stops, and `sharing` begins anew,
  with a memory of what was met: that costs more for each part, so few values pay for it.
- While a dict or a set is walked, `_update` is the hash of one of its items; a generator that ends puts it back.
"""

import dataclasses
import enum
import functools
import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

from perdure._engine.identity.contents import describer_of
from perdure._engine.identity.contents.content import Content, Named, Raw, Unordered, attributes, memoised, state_of
from perdure._engine.identity.contents.reduction import has_only_attributes, is_found_by_name, reduced, says_what_counts
from perdure._engine.identity.names import name_of
from perdure._engine.identity.tokens import SCALARS, Bytes, Update, write_pieces, write_scalar, write_token
from perdure._model.errors import SerializationError
from perdure._platform.finished_imports import imported
from perdure._platform.named import NamedTuple
from perdure._platform.programs import project_of_module

if TYPE_CHECKING:
    from perdure._engine.identity.contents.frames import Plain

MANY = 1_000_000  # parts that have parts: with more of them, `sharing` comes to an end sooner
_MOST_DEPTH = 1_000_000  # a reduction that makes ever new objects would not end
StandIn = Callable[[object], str | None]  # text that counts instead of a value's content; None if that counts
Code = Callable[[Any], Content]  # what counts of a function or class that is itself a value
Step = tuple[object, object]  # what leads to a part, and the part
_ABSENT = Content("absent", {})
_SORTABLE = (str, int, bytes)
# Their pickles are what they are, in any process.
_PICKLED = {
    "builtins": ("complex", "bytearray"),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "uuid": ("UUID",),
}
_ZONES = frozenset({"builtins.NoneType", "datetime.timezone", "zoneinfo.ZoneInfo"})
_SCALAR_TYPES = frozenset(SCALARS)
_OWN = (Content, Raw, Named, Unordered)


class Former(enum.Enum):
    """What `former_hashing` made of a value, beside its digest of today."""

    SAME = "the same digest"
    OTHER = "another digest, which was as good"
    WRONG = "a digest that other values had too, or none"


class ManyParts(Exception):
    """A value has many parts; perhaps a few, which it holds again and again."""


class Walker:
    """Digests values, one after the other."""

    def __init__(
        self, update: Update, stand_in: StandIn | None = None, code: Code | None = None, ordered: bool = True
    ) -> None:
        self._update = update
        self._stand_in = stand_in
        self._code = code
        self._ordered = ordered
        self._open: dict[int, int] = {}  # containers being hashed, by depth: a cycle is hashed as its depth
        self._room = MANY
        self._classes: dict[type, Content] = {}  # what counts of those that functions have made
        self.former = Former.SAME

    def add(self, value: object, path: str) -> None:
        """Digest one more value. `path` is what an error calls it.

        Raises:
            SerializationError: a part of it, named by its path, cannot be digested.
        """
        going: list[tuple[Iterator[Step], object]] = []
        labels: list[object] = []
        try:
            self._enter(value, None, going, labels)
            while going:
                steps, held = going[-1]
                for label, part in steps:
                    if type(part) in SCALARS:
                        write_scalar(self._update, part)
                    elif self._enter(part, label, going, labels):
                        break
                else:
                    going.pop()
                    labels.pop()
                    self._leave(held)
        except ManyParts:
            raise
        except Exception as error:
            culprit = going[-1][1] if going else value
            raise _refusal(_path(path, labels[1:]), culprit, error) from error

    def _enter(
        self, value: Any, label: object, going: list[tuple[Iterator[Step], object]], labels: list[object]
    ) -> bool:
        """Digest a value, or begin with its parts; whether it has any."""
        kind = type(value)
        if kind in SCALARS:
            write_scalar(self._update, value)
            return False
        if kind in _OWN:
            if kind is Raw:
                write_pieces(self._update, "raw", value.pieces)
                return False
            if kind is Named:
                self._scalar("name", value.name.encode())
                return False
        elif self._stand_in is not None and (text := self._stand_in(value)) is not None:
            self._scalar("run", text.encode())
            return False
        if id(value) in self._open:
            self._again(self._open[id(value)])
            return False
        self._room -= 1
        if self._room < 0:
            raise ManyParts
        if (kind is list or kind is tuple) and _SCALAR_TYPES.issuperset(map(type, value)):
            self._update(b"%b:%d:" % (kind.__name__.encode(), len(value)))
            for part in value:
                write_scalar(self._update, part)
            return False
        self._open[id(value)] = len(self._open)
        if len(going) >= _MOST_DEPTH:
            raise RecursionError(f"it is nested more than {_MOST_DEPTH:,} deep")
        going.append((iter(()), value))
        labels.append(label)
        going[-1] = self._steps(value, kind), value
        return True

    def _again(self, depth: int) -> None:
        """Digest that a value which is being digested is met inside itself."""
        self._scalar("cycle", str(depth).encode())

    def _leave(self, held: object) -> None:
        """End with the parts of a value."""
        del self._open[id(held)]

    def _scalar(self, tag: str, data: Bytes) -> None:
        write_token(self._update, tag, data)

    def _steps(self, value: Any, kind: type) -> Iterator[Step]:
        if kind is list or kind is tuple:
            return self._sequence(value, kind)
        if kind is dict:
            return self._dict(value)
        if kind is set or kind is frozenset:
            return self._unordered(kind.__name__, tuple(value))
        if kind is Content:
            return self._content(value)
        if kind is Unordered:
            return self._unordered("unordered", value.parts)
        return self._object(value, kind)

    def _sequence(self, value: Sequence[object], kind: type) -> Iterator[Step]:
        self._update(f"{kind.__name__}:{len(value)}:".encode())
        return enumerate(value)

    def _content(self, content: Content) -> Iterator[Step]:
        if self.former is not Former.WRONG:
            self.former = Former.OTHER if content.keeps_former else Former.WRONG
        self._scalar("kind", content.kind.encode())
        self._update(f"parts:{len(content.parts)}:".encode())
        for name, part in content.parts.items():
            self._scalar("part", name.encode("utf-8", "surrogatepass"))
            yield name, part

    def _dict(self, value: dict[object, object]) -> Iterator[Step]:
        outer, digests = self._update, []
        for key, item in value.items():
            hasher = hashlib.sha256()
            self._update = hasher.update
            yield None, key
            yield (key,), item
            digests.append(hasher.digest())
        self._update = outer
        if not self._ordered or _is_sorted(value):
            outer(f"dict:{len(digests)}:".encode() + b"".join(sorted(digests)))
        else:  # whoever goes through it sees its order
            self.former = Former.WRONG
            outer(f"dict in order:{len(digests)}:".encode() + b"".join(digests))

    def _unordered(self, tag: str, parts: tuple[object, ...]) -> Iterator[Step]:
        outer, digests = self._update, []
        for part in parts:
            hasher = hashlib.sha256()
            self._update = hasher.update
            yield None, part
            write_scalar(hasher.update, None)
            digests.append(hasher.digest())
        self._update = outer
        outer(f"{tag}:{len(digests)}:".encode() + b"".join(sorted(digests)))

    def _object(self, value: object, kind: type) -> Iterator[Step]:
        if self._code is not None and _is_made_inside(kind):
            return self._of_inner_class(value, kind)
        return _way_of(kind)(self, value, kind)

    def _of_inner_class(self, value: object, kind: type) -> Iterator[Step]:
        """An object of a class that a function has made: others have the same name, so its code counts."""
        assert self._code is not None
        self.former = Former.WRONG
        if kind not in self._classes:
            self._classes[kind] = self._code(kind)
        yield None, self._classes[kind]
        yield from _way_of(kind)(self, value, kind)

    def _named_tuple(self, value: NamedTuple, kind: type[NamedTuple]) -> Iterator[Step]:
        return self._fields(kind, dict(zip(kind._fields, value, strict=True)), getattr(value, "__dict__", None))

    def _dataclass(self, value: object, kind: type) -> Iterator[Step]:
        names = _names_of_fields(kind)
        own = getattr(value, "__dict__", None)
        if own is not None and own.keys() == names.keys():
            return self._declared(kind, own, names)
        beside = {name: item for name, item in state_of(value).items() if name not in names}
        return self._fields(kind, {name: getattr(value, name, _ABSENT) for name in names}, beside)

    def _coded(self, value: object, _: type) -> Iterator[Step]:
        return self._content(Content("code", {"name": _named(value)}) if self._code is None else self._code(value))

    def _pickled(self, value: object, kind: type) -> Iterator[Step]:
        zone = type(getattr(value, "tzinfo", None))
        if zone is not type(None) and name_of(zone) not in _ZONES:
            return self._described(value, kind)
        self._scalar("pickle", pickle.dumps(value, protocol=5))
        return iter(())

    def _plain_array(self, value: object, kind: type) -> Iterator[Step]:
        return iter(()) if self._is_plain_array(value) else self._described(value, kind)

    def _plain_table(self, value: object, kind: type) -> Iterator[Step]:
        from perdure._engine.identity.contents import frames

        plain = frames.plain(value)
        return self._described(value, kind) if plain is None else self._table(plain)

    def _described(self, value: object, kind: type) -> Iterator[Step]:
        describe = describer_of(kind)
        content = None if describe is None else describe(value)
        if content is None:
            content = reduced(value)
            if dataclasses.is_dataclass(kind) or hasattr(kind, "__pydantic_fields__"):  # the fields alone counted once
                content = content._replace(keeps_former=False)
        return self._content(content)

    def _declared(
        self, kind: type, own: Mapping[str, object], names: Mapping[str, tuple[str, bytes]]
    ) -> Iterator[Step]:
        self._scalar("object", self._name(kind).encode())
        for name, (label, token) in names.items():
            self._update(token)
            yield label, own[name]

    def _fields(self, kind: type, fields: Mapping[str, object], beside: Mapping[str, object] | None) -> Iterator[Step]:
        if beside or any(item is _ABSENT for item in fields.values()):
            parts = {"fields": attributes(fields), "attributes": attributes(beside or {})}
            yield from self._content(Content(f"object {name_of(kind)}", parts, keeps_former=False))
            return
        self._scalar("object", self._name(kind).encode())
        for name, item in fields.items():
            self._scalar("field", name.encode())
            yield f".{name}", item

    def _model(self, model: Any, kind: type) -> Iterator[Step]:
        """A model of pydantic, where what is not declared, private attributes, and which fields were set counts too."""
        state, forgotten = vars(model), memoised(kind)
        names = list(kind.__pydantic_fields__)  # type: ignore[attr-defined]
        fields = {name: state.get(name, _ABSENT) for name in names}
        beside = {name: item for name, item in state.items() if name not in fields and name not in forgotten}
        extra, private = model.__pydantic_extra__ or {}, model.__pydantic_private__ or {}
        is_set = model.__pydantic_fields_set__
        # Not by `in`, which asks arrays what they equal.
        is_whole = not any(item is _ABSENT for item in fields.values())
        if not beside and not extra and not private and is_set == fields.keys() and is_whole:
            return self._fields(kind, fields, None)
        parts = {
            "fields": attributes(fields),
            "attributes": attributes(beside),
            "extra": dict(extra),
            "private": attributes(private),
            "set": frozenset(is_set),
        }
        known = not beside and not extra and not private
        return self._content(Content(f"object {name_of(kind)}", parts, keeps_former=known))

    def _name(self, kind: type) -> str:
        name = name_of(kind)
        if self.former is Former.SAME and not name.startswith(f"{kind.__module__}."):  # a program's has another one
            self.former = Former.OTHER
        return name

    def _enum(self, value: enum.Enum, kind: type) -> Iterator[Step]:
        if value.name in kind.__members__ and is_found_by_name(kind):  # type: ignore[attr-defined]
            self._scalar("enum", f"{self._name(kind)}.{value.name}".encode())
            return iter(())
        parts = {"name": value.name, "value": value.value}
        return self._content(Content(f"enum {name_of(kind)}", parts, keeps_former=False))

    def _is_plain_array(self, array: object) -> bool:
        """Digest an array of numpy, if it is one of the plain ones."""
        from perdure._engine.identity.contents import arrays

        if not arrays.is_plain(array):
            return False
        self._array(array, arrays.bytes_of(array))
        return True

    def _array(self, array: Any, data: memoryview) -> None:
        self._scalar("array", f"{array.dtype.str}{array.shape}".encode())
        self._scalar("content", data)

    def _table(self, plain: "Plain") -> Iterator[Step]:
        from perdure._engine.identity.contents import arrays

        self._scalar("table", plain.header.encode())
        yield ".names", plain.names
        for array in plain.arrays:
            self._array(array, arrays.bytes_of(array))


def _named(value: object) -> Named:
    return Named(name_of(value))


def _is_sorted(value: dict[Any, object]) -> bool:
    """Whether the keys come in their natural order, so that there is nothing to say of it."""
    if len(value) < 2:
        return True
    keys = list(value)
    kind = type(keys[0])
    return kind in _SORTABLE and all(type(key) is kind for key in keys) and keys == sorted(keys)


def _path(path: str, labels: list[object]) -> str:
    for label in labels:
        if type(label) is tuple:
            path = f"{path}[{label[0]!r}]" if path else str(label[0])
        elif type(label) is int:
            path = f"{path}[{label}]"
        elif type(label) is str and label.startswith((".", "[")):
            path += label
    return path


def _refusal(path: str, value: object, error: Exception) -> SerializationError:
    name = path.partition("[")[0].partition(".")[0]
    return SerializationError(
        f"The argument {path}, a {name_of(type(value))}, cannot be hashed: {type(error).__name__}: {error}."
        f" Leave it out with `cache_policy=INPUTS - {name!r}`, or give the task a cache_key_fn that does not use it."
    )


Way = Callable[[Walker, Any, Any], Iterator[Step]]


@functools.lru_cache(maxsize=10_000)
def _way_of(kind: type) -> Way:
    """How values of a type are gone through."""
    if kind.__name__ in _PICKLED.get(kind.__module__, ()) and is_found_by_name(kind):
        return Walker._pickled
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return Walker._named_tuple
    if issubclass(kind, enum.Enum):
        return Walker._enum
    if dataclasses.is_dataclass(kind) and not issubclass(kind, type) and has_only_attributes(kind):
        return Walker._described if says_what_counts(kind) else Walker._dataclass
    if _is_class_of(kind, "pydantic", "BaseModel"):
        return Walker._described if says_what_counts(kind) else Walker._model
    if issubclass(kind, type | FunctionType):
        return Walker._coded
    if _is_class_of(kind, "numpy", "ndarray"):
        return Walker._plain_array
    if _is_class_of(kind, "pandas", "DataFrame", "Series", "Index"):
        return Walker._plain_table
    return Walker._described


@functools.lru_cache(maxsize=1_000)
def _is_made_inside(kind: type) -> bool:
    """Whether a class was made by a function of a program or project."""
    return "<locals>" in kind.__qualname__ and project_of_module(kind.__module__) != ""


def _is_class_of(kind: type, module: str, *names: str) -> bool:
    """Whether a type is a class of a module that need not be imported: if it is not, no type can be."""
    loaded = imported(module)
    return loaded is not None and issubclass(kind, tuple(getattr(loaded, name) for name in names))


@functools.lru_cache(maxsize=1_000)
def _names_of_fields(kind: Any) -> dict[str, tuple[str, bytes]]:
    """The fields of a dataclass: what leads to each, and its token."""
    names = [each.name for each in dataclasses.fields(kind)]
    return {name: (f".{name}", f"field:{len(name.encode())}:{name}".encode()) for name in names}
