"""How the standard library knows that an object which is called is a coroutine function: by marks on it.

They are properties, not attributes: a mark is one object in each process, and no part of what is pickled or digested.
"""

import inspect
import sys
from types import SimpleNamespace


class CoroutineMarks:
    """What `inspect.iscoroutinefunction` and asyncio's take for a coroutine function if `_gives_coroutine` is true."""

    @property
    def _gives_coroutine(self) -> bool:
        raise NotImplementedError

    @property
    def _is_coroutine(self) -> object:
        """asyncio's mark, and the only one before Python 3.12."""
        asyncio = sys.modules.get("asyncio.coroutines")
        return getattr(asyncio, "_is_coroutine", None) if self._gives_coroutine else None


def _marked(mark: object) -> property:
    return property(lambda self: mark if self._gives_coroutine else None)


if sys.version_info >= (3, 12):
    for _name, _mark in vars(inspect.markcoroutinefunction(SimpleNamespace())).items():  # type: ignore[type-var]
        setattr(CoroutineMarks, _name, _marked(_mark))

__all__ = ["CoroutineMarks"]
