"""Digests of the code of functions and classes that are values themselves."""

from collections.abc import Callable

from perdure._engine.identity.contents.reduction import reduced
from perdure._engine.identity.digests import digest_of_values
from perdure._engine.identity.source import Walk


def digests_of_code(function: Callable[..., object]) -> tuple[str, str]:
    """Digests of a function's or class's own code, and of what it reaches of its project: the same in every process."""
    return _Walk(function).digests()


class _Walk(Walk):
    """A walk on which objects count by their own reduction, since their pickles may differ from process to process."""

    def _digest_of(self, value: object) -> str:
        return digest_of_values(reduced(value), stand_in=self._standing_for)
