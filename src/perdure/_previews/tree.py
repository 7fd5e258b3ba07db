"""Values as trees of JSON's types: bounded in depth, items and text, with marks of what was left out."""

import dataclasses
import functools
import json
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

from perdure._platform.named import NamedTuple
from perdure._platform.redaction import REDACTED, is_secret, is_secret_name, mro_of, namespace_of
from perdure._previews.errors import is_exception, message_of
from perdure._previews.text import (
    announces_a_secret,
    bytes_text,
    head,
    is_naming,
    known_text,
    more,
    names_a_secret,
    number,
    redacted,
    secret_names_in,
)
from perdure._previews.types import attribute, attributes, is_a, is_any, is_of, name_of

_SHORT = 60  # characters of a key that is shown whole


class Limits(NamedTuple):
    """How much of a value is shown, by depth; the last number of each is that of all greater depths."""

    items: tuple[int, ...] = (20, 10, 5, 4)  # of a container
    lengths: tuple[int, ...] = (1_000, 200, 100, 60)  # characters of a text
    deepest: int = 5
    integer: int = 2**53  # what every reader of JSON takes exactly; others are shown as text


_LIMITS = Limits()

encode = json.JSONEncoder(allow_nan=False).encode  # in ASCII


class Tree:
    """A tree of what may be shown of a value; `room` is about how many characters of JSON it takes.

    `shorter` divides the lengths and counts that are shown at each depth.
    """

    def __init__(self, room: int = 3_000, shorter: int = 1, limits: Limits = _LIMITS) -> None:
        self.room = room
        self._limits = limits
        self._shorter = shorter

    def of(self, value: Any, depth: int = 0) -> object:
        """The value in JSON's types. Runs no code of the value's, and never raises for what it holds."""
        kind = type(value)
        if kind is str:
            return self.text(value, depth)
        if kind is bool or value is None:
            self.room -= 6
            return value
        if kind is int or kind is float:
            self.room -= 12
            return number(value, self._limits.integer)
        if kind is dict or kind is list or kind is tuple:
            return self._container(value, depth)
        if is_secret(value):
            return self._said(REDACTED)
        return self._other(value, kind, depth)

    def text(self, value: str, depth: int = 0) -> str:
        """A text's beginning, without secrets, and how much more there is."""
        shown = head(value, min(_at(self._limits.lengths, depth) // self._shorter, max(self.room // 2, 20)))
        self.room -= len(shown) + 4 if shown.isascii() else len(encode(shown))
        return shown

    def _said(self, text: str) -> str:
        self.room -= len(text) + 4
        return text

    def _other(self, value: Any, kind: type, depth: int) -> object:
        text = known_text(value, kind)
        if text is not None:
            return self.text(text, depth)
        if is_a(kind, str):
            return self.text(str.__str__(value), depth)
        item = numpy_item(value, kind)
        if item is not None:
            return self.of(item, depth)
        if is_a(kind, int):
            return self.of(int.__int__(value), depth)
        if is_a(kind, float):
            return self.of(float.__float__(value), depth)
        if is_a(kind, bytes) or is_a(kind, bytearray):
            return self._said(bytes_text(value))
        fields = fields_of(value, kind)
        if fields is not None:
            return self.mapping(iter(fields), len(fields), depth)
        if any(is_a(kind, each) for each in (dict, list, tuple, set, frozenset, deque)):
            return self._container(value, depth)
        return self._said(summary(value, kind))

    def _container(self, value: Any, depth: int) -> object:
        for base in (dict, list, tuple, set, frozenset, deque):
            if is_a(type(value), base):
                count = base.__len__(value)
                if base is dict:
                    return self.mapping(iter(dict.items(value)), count, depth)
                # Not sorted: that would ask the items.
                return self._sequence(base.__iter__(value), count, depth)
        raise AssertionError

    def _sequence(self, items: "Iterator[object]", count: int, depth: int) -> object:
        if count and depth >= self._limits.deepest:
            return self._said(f"[… {more(count)}]")
        shown: list[object] = []
        is_secret_one = False
        self.room -= 4
        for item in islice(items, self._count(depth)):
            if self.room <= 0:
                break
            shown.append(redacted(item) if is_secret_one else self.of(item, depth + 1))
            # ("password", "..."), and what a command is called with
            is_secret_one = names_a_secret(item) if count == 2 else announces_a_secret(item)
        if len(shown) < count:
            shown.append(self._said(f"… {more(count - len(shown))}"))
        return shown

    def mapping(self, items: "Iterator[tuple[object, object]]", count: int, depth: int = 0) -> object:
        """Names and values as a JSON object; what has a secret name is hidden."""
        if count and depth >= self._limits.deepest:
            return self._said(f"{{… {more(count)}}}")
        shown: dict[str, object] = {}
        self.room -= 4
        first = list(islice(items, self._count(depth)))
        # {"name": "PASSWORD", "value": "..."} is a pair, too.
        named = any(is_naming(key) and secret_names_in(item) for key, item in first)
        for key, item in first:
            if self.room <= 0:
                break
            if type(key) is str and len(key) <= _SHORT:
                name, is_secret_one = _short_key(key)
                self.room -= len(name) + 4
            else:
                name = self._key(key, depth + 1)
                is_secret_one = is_secret_name(_name_in(key) or name)
            while name in shown:  # 1 and "1", or alike in all that is shown
                name += "'"
            if is_secret_one or (named and name.lower() == "value"):
                shown[name] = redacted(item)
                self.room -= 16
            else:
                shown[name] = self.of(item, depth + 1)
        if len(shown) < count:
            shown["…"] = self._said(more(count - len(shown)))
        return shown

    def _count(self, depth: int) -> int:
        return _at(self._limits.items, depth) // self._shorter or 1

    def _key(self, key: object, depth: int) -> str:
        shown = self.of(key, max(depth, 2))
        return shown if type(shown) is str else encode(shown)


@functools.lru_cache(maxsize=2_000)
def _short_key(key: str) -> tuple[str, bool]:
    """A key as it is shown, and whether what it stands for is not to be."""
    return head(key, _SHORT), is_secret_name(key)


def _name_in(key: object) -> str | None:
    return key if type(key) is str else key[:_SHORT].decode("latin-1") if type(key) is bytes else None


def _at(bounds: tuple[int, ...], depth: int) -> int:
    return bounds[depth] if depth < len(bounds) else bounds[-1]


def fields_of(value: Any, kind: type) -> list[tuple[str, object]] | None:
    """The fields of a dataclass, a pydantic model or a named tuple that its repr shows; None for all others."""
    found = _declared(kind)
    if found is not None:
        return [(name, _held(value, name)) for name in found]
    if is_any(kind, "pydantic.main", "BaseModel"):
        quiet = _quiet(kind)
        extra = _held(value, "__pydantic_extra__")
        held = [*attributes(value).items(), *(extra.items() if type(extra) is dict else ())]
        return [(name, each) for name, each in held if name not in quiet]
    names = namespace_of(kind).get("_fields")
    if is_a(kind, tuple) and type(names) is tuple and all(type(name) is str for name in names):
        return list(zip(names, tuple.__iter__(value), strict=False))
    return None


def _declared(kind: type) -> list[str] | None:
    """The names of a dataclass's fields, but for those that its repr leaves out."""
    for each in mro_of(kind):
        found = namespace_of(each).get("__dataclass_fields__")
        if type(found) is dict:
            fields = [field for field in found.values() if type(field) is dataclasses.Field]
            return [field.name for field in fields if field.repr and field._field_type is dataclasses._FIELD]  # type: ignore[attr-defined]
    return None


def _quiet(kind: type) -> set[str]:
    """The names of a model's fields that its repr leaves out."""
    for each in mro_of(kind):
        found = namespace_of(each).get("__pydantic_fields__")
        if type(found) is dict:
            return {name for name, field in found.items() if _held(field, "repr") is False}
    return set()


def _held(value: object, name: str) -> object:
    try:
        return attribute(value, name)
    except AttributeError:
        return "…"  # only the class's own code could tell


def numpy_item(value: Any, kind: type) -> object:
    """A number or text of numpy's as Python's own; None for all others."""
    if not is_any(kind, "numpy", "number", "bool", "character") or not is_of(kind, "numpy"):
        return None
    return value.item()


def summary(value: Any, kind: type) -> str:
    """What is said of a value that is not looked into: its type, and its shape or message if it has one."""
    name = name_of(kind)
    if is_exception(kind):
        return f"{name}: {message_of(value, 100)}"
    for library in ("numpy", "pandas", "polars", "pyarrow"):
        if is_of(kind, library) and is_any(kind, library, *_SHAPED):
            by = " \u00d7 "
            dtype = f" {value.dtype}" if library == "numpy" else ""
            return f"<{name}{dtype} {by.join(f'{each:,}' for each in value.shape)}>"
    return f"<{name}>"


_SHAPED = ("ndarray", "DataFrame", "Series", "Table")
