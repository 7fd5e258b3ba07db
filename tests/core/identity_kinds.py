"""Kinds of values, each made of parts that can be changed one by one: what `identity_pairs` draws pairs from."""

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Draw = Callable[[int], Any]  # different values for different numbers


class Part(NamedTuple):
    """A part of a value: `draw` gives another one for each number below `count`."""

    draw: Draw
    count: int


class Kind(NamedTuple):
    """A kind of values, made by `build` from its parts, which count, and from a source of what does not count."""

    name: str
    build: Callable[..., Any]
    parts: dict[str, Part]

    def draw(self, chance: random.Random) -> dict[str, int]:
        """The numbers of the parts of some value."""
        return {name: chance.randrange(part.count) for name, part in self.parts.items()}

    def changed(self, numbers: dict[str, int], chance: random.Random) -> dict[str, int]:
        """The numbers of a value that differs in one part."""
        name = chance.choice(list(self.parts))
        step = chance.randrange(1, self.parts[name].count)
        return {**numbers, name: (numbers[name] + step) % self.parts[name].count}

    def make(self, numbers: dict[str, int]) -> Any:
        """The value that has these parts."""
        return self.build(**{name: part.draw(numbers[name]) for name, part in self.parts.items()})


def one_of(*choices: Any) -> Part:
    """A part that is one of these."""
    return Part(lambda number: choices[number], len(choices))


def made(*choices: Callable[[], Any]) -> Part:
    """A part that one of these makes anew each time."""
    return Part(lambda number: choices[number](), len(choices))


numbers = Part(lambda number: number * 37 - 500, 1000)
floats = Part(lambda number: number / 7 - 3, 1000)
texts = Part(lambda number: f"text {number}" if number else "", 1000)
data = Part(lambda number: b"\x00%d\xff" % number, 1000)
booleans = Part(bool, 2)
lists = Part(lambda number: [number % 7, number // 7, 3], 49)


def shuffled(items: Any) -> list[Any]:
    """The items in an order that is another one each time."""
    items = list(items)
    random.shuffle(items)
    return items


def words(number: int) -> list[str]:
    """Texts whose order in a set is another one with each hash seed."""
    return [f"word {number} {each}" for each in range(6)]


KINDS: dict[str, Kind] = {}


def kind(name: str, build: Callable[..., Any], /, **parts: Part) -> None:
    """Add a kind of values."""
    assert name not in KINDS, name
    assert all(part.count > 1 for part in parts.values()), name
    KINDS[name] = Kind(name, build, parts)


def kinds() -> Iterator[Kind]:
    """All kinds, those of libraries among them."""
    from tests.core import (  # noqa: F401
        identity_frames,
        identity_libraries,
        identity_numbers,
        identity_objects,
        identity_shapes,
    )

    yield from KINDS.values()
