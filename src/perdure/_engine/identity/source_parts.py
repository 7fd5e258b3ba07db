"""What the digests of a task's source are made of, part by part, so that the one that has changed can be named."""

from collections.abc import Callable, Iterator
from typing import Any

from perdure._engine.identity.digests import digest_of_values
from perdure._engine.identity.source import Walk, counts_apart

_MOST = 200  # parts; the others are one
_DIGEST = 12  # hexadecimal characters


def parts_of_source(function: Callable[..., object]) -> dict[str, str]:
    """Short digests of a function's source and of what it reaches of its project, by what they are called."""
    walk = _NamedWalk(function)
    walk.describe((function,))
    records = walk.records()
    found: dict[str, str] = {}
    for reached, record in zip(walk.reached, records, strict=True):
        for part, described in _parts(reached, record, is_first=reached is walk.reached[0]):
            found.setdefault(part, digest_of_values(described)[:_DIGEST])
    others = list(found.items())[_MOST:]
    if others:
        found = dict(list(found.items())[:_MOST]) | {"others": digest_of_values(others)[:_DIGEST]}
    return found


class _NamedWalk(Walk):
    """A walk on which functions and classes stand for their names, so that one more of them changes no other part."""

    def place(self, value: Any) -> str:
        """Its name; it is looked into in its turn."""
        super().place(value)
        return str(value.__qualname__)

    def describe(self, value: object) -> str:
        """What stands for a value; nothing for what is a part of its own, or of others' making."""
        described = super().describe(value)
        return "" if counts_apart(value) else described


def _parts(reached: Any, record: tuple[Any, ...], is_first: bool) -> Iterator[tuple[str, object]]:
    """The parts of what was found for a function or a class."""
    own, named = record
    name = f"{reached.__module__}.{reached.__qualname__}"
    of = "" if is_first else f" of {name}"
    if isinstance(reached, type):
        yield f"the class {name}", own
    else:
        source, held, defaults = own
        yield "its own code" if is_first else f"the function {name}", source
        if reached.__defaults__ or reached.__kwdefaults__:
            yield f"the defaults{of}", defaults
        yield from ((f"the closure's {variable}{of}", described) for variable, described in held if described)
    yield from ((f"{reached.__module__}.{variable}", described) for variable, described in named or () if described)
