"""What a field of a record holds. Its column, its wire format and the checks of both are made from its type alone.

A record is a named tuple. `str`, `int` (64 bits), `bool` and `float` stand for themselves, a `Literal` or an enum for
its texts; `| None` lets a field be unknown. Where that does not say all, a type from here does: it is the Python type,
with a word beside it. What the words mean in the database says `_store.sql.tables`, and on the wire `_store.wire`.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache, partial
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

R = TypeVar("R", bound=tuple[object, ...])

Id = Annotated[str, "id"]
"""An id as `_platform.ids` makes them."""
Small = Annotated[int, "small"]
"""A number from 0 on that 32 bits hold."""
Number = Annotated[int, "number"]
"""A number that the database gives to each new row."""
Json = Annotated[str, "json"]
"""Any value as JSON."""
JsonObject = Annotated[str, "object"]
"""A JSON object."""
Tags = Annotated[str, "tags"]
"""A JSON list of text, sorted."""
Answer = Annotated[str, "answer"]
"""A value as JSON, or nothing, where nobody answered in time."""
Staged = Annotated[str, "staged"]
"""A run's `ResultRecord`, and its `CacheRecord` or null, as JSON."""
Epochs = Annotated[str, "epochs"]
"""A JSON object of numbers from 1 on, by the ids of outermost flow runs."""


class Field:
    """What a record's field holds: of which type, without `None`; the word beside that; whether it may be unknown."""

    __slots__ = ("is_optional", "kind", "word")

    def __init__(self, kind: Any, word: str | None, is_optional: bool) -> None:
        self.kind = kind
        self.word = word
        self.is_optional = is_optional


@cache
def fields_of(record: object) -> dict[str, Field]:
    """The fields of a record, by name."""
    return {name: _field(hint) for name, hint in record.__annotations__.items()}


def _field(hint: object) -> Field:
    parts = () if word_of(hint) is not None else get_args(hint)
    is_optional = NoneType in parts
    if is_optional:
        kinds = [part for part in parts if part is not NoneType]
        hint = kinds[0] if len(kinds) == 1 else hint
    word = word_of(hint)
    return Field(hint if word is None else get_args(hint)[0], word, is_optional)


def word_of(hint: object) -> str | None:
    """The word beside a type from here; None for all others."""
    beside = getattr(hint, "__metadata__", None)
    return beside[0] if beside and type(beside[0]) is str else None


@cache
def from_row(record: type[R]) -> Callable[[Sequence[object]], R]:
    """What makes a record of a row of the database, which has texts for enums, and SQLite numbers for flags.

    Raises, when it is called:
        ValueError: a text is none of its enum's.
    """
    make: Callable[[Sequence[object]], R] = partial(tuple.__new__, record)  # its statements have just its fields
    kinds = [(place, field.kind) for place, field in enumerate(fields_of(record).values())]
    changes = [
        (place, kind) for place, kind in kinds if kind is bool or (isinstance(kind, type) and issubclass(kind, Enum))
    ]
    if not changes:
        return make

    def made(row: Sequence[object]) -> R:
        values = list(row)
        for place, kind in changes:
            if values[place] is not None:
                values[place] = kind(values[place])
        return make(values)

    return made
