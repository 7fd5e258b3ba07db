"""Digests of the code of functions and classes that are values themselves."""

from collections.abc import Callable
from typing import Any

from perdure.engine.contents.reduction import reduced
from perdure.engine.digests import digest_of_values
from perdure.engine.source import Walk


def digests_of_code(function: Callable[..., Any]) -> tuple[str, str]:
    """Digests of a function's or class's own code, and of what it reaches of its project: the same in every process."""
    return _Walk(function).digests()


class _Walk(Walk):
    """A walk on which objects count by their own reduction, since their pickles may differ from process to process."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._inside: set[int] = set()

    def _digest_of(self, value: Any) -> str:
        if id(value) in self._inside:
            return "itself"
        self._inside.add(id(value))
        try:
            return digest_of_values(reduced(value), stand_in=self._standing_for)
        finally:
            self._inside.discard(id(value))
