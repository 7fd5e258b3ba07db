"""What a comparison found: changes, each at its place inside the values, bounded in number and length."""

from dataclasses import dataclass, field
from typing import Literal

from perdure._platform.named import NamedTuple

Kind = Literal["added", "removed", "changed", "retyped"]
MAX_CHANGES = 200  # kept of one comparison; the others are counted
MAX_SAMPLES = 5  # of a change of many values
MAX_LINES = 60  # of a text's unified diff
_MAX_TEXT = 200  # characters of a value


class Sample(NamedTuple):
    """One of many values that differ."""

    place: str  # such as `row 17` or `[3, 4]`
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """What differs at one place."""

    path: str  # such as `['prices'][3]`; empty for the whole value
    kind: Kind
    before: str | None = None  # a short text of the value; for "retyped", its type
    after: str | None = None
    count: int = 1  # elements of an array, or rows of a column, that differ
    total: int = 1  # of how many
    largest: float | None = None  # the largest absolute difference, of numbers
    regions: tuple[str, ...] = ()  # of an array: boxes that hold all that differs, such as `[3:7, 0:2]`
    samples: tuple[Sample, ...] = ()
    lines: tuple[str, ...] = ()  # of a text: its unified diff


@dataclass(slots=True)
class Found:
    """Gathers changes; those that are too many are only counted."""

    changes: list[Change] = field(default_factory=list)
    more: int = 0

    @property
    def is_full(self) -> bool:
        """Whether further changes are only counted."""
        return len(self.changes) >= MAX_CHANGES

    def add(self, change: Change) -> None:
        if len(self.changes) < MAX_CHANGES:
            self.changes.append(change)
        else:
            self.more += 1


def short(value: object) -> str:
    """A value in a line of text, whatever its `repr` does."""
    import reprlib

    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = shortened.maxlong = _MAX_TEXT
    try:
        text = shortened.repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


def kind_of(value: object) -> str:
    """A value's type in a word, with its module unless that is clear."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
