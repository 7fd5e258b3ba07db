"""What a class has that its source does not say: members that were set from outside, or computed."""

import ast
import enum
import functools
from collections.abc import Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any

from perdure._platform.annotations import own_annotations, without_annotating

_SCALARS = frozenset({bool, int, float, complex, str, bytes, type(None)})
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_MADE = ("__", "_abc_", "model_")  # what such names begin is Python's, abc's and pydantic's own, made from the source
_SIGNIFICANT = ("__init__", "__call__", "__annotations__")
_OF_TUPLES = ("_fields", "_field_defaults")


def members_not_said(kind: type, body: Sequence[ast.stmt]) -> Iterator[tuple[str, object]]:
    """The members, by name, that differ from what the class's body says, as far as their values show it.

    They are functions, constants, and containers of these, and generic methods, to which more may be added.
    """
    said = _said(body)
    for name, value in sorted(vars(kind).items()):
        if is_made(name) or name in _OF_TUPLES or (name.startswith("_") and issubclass(kind, enum.Enum)):
            continue
        if isinstance(value, functools.singledispatchmethod) or not _is_said(name, value, said, kind):
            yield name, value


def significant_members(kind: type) -> dict[str, object]:
    """The members of a class that say what it does, and not where it is; its annotations first."""
    own = without_annotating(vars(kind))
    if "__annotations__" not in own and (annotations := own_annotations(kind)):  # from Python 3.14 on
        own = {"__annotations__": annotations, **own}
    return {name: value for name, value in own.items() if not _is_dunder(name) or name in _SIGNIFICANT}


def count_of_members(kind: type) -> int:
    """How many members a class has, whether or not anybody has asked for its annotations."""
    return len(without_annotating(vars(kind)))


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def is_made(name: str) -> bool:
    """Whether Python, abc or pydantic makes the member of this name."""
    return name.startswith(_MADE)


def _said(body: Sequence[ast.stmt]) -> Mapping[str, object]:
    """What is assigned in a class's body: values by their texts, where it has them; else None."""
    said: dict[str, str | None] = {}
    for each in body:
        targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name):
                said[target.id] = _literal(getattr(each, "value", None))
    return said


def _literal(value: Any) -> str | None:
    try:
        return _text(ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None


def _is_said(name: str, value: object, said: Mapping[str, object], kind: type) -> bool:
    if isinstance(value, FunctionType | staticmethod | classmethod | property):
        plain: Any = value
        while isinstance(plain, staticmethod | classmethod | property):
            plain = plain.fget if isinstance(plain, property) else plain.__func__
        return not isinstance(plain, FunctionType) or plain.__qualname__ == f"{kind.__qualname__}.{plain.__name__}"
    return not _is_plain(value) or said.get(name) == _text(value)


def _is_plain(value: Any) -> bool:
    """Whether a value is made of plain containers and scalars."""
    if type(value) is dict:
        return all(_is_plain(each) for item in value.items() for each in item)
    return type(value) in _SCALARS or (type(value) in _CONTAINERS and all(map(_is_plain, value)))


def _text(value: object) -> str:
    """The text of a plain value; the order of sets does not count."""
    if isinstance(value, set | frozenset):
        return repr(sorted(map(_text, value)))
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key)}: {_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(_text, value))})"
    return repr(value)
