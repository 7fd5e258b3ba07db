"""Tracebacks as users want them: their own frames, without those of the engine between them."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from perdure._model.errors import PerdureError

_OWN = str(Path(__file__).parents[1]) + os.sep
_TESTING = f"{_OWN}testing{os.sep}"  # whose functions may be flows and tasks


class FoldPolicy:
    """Whether tracebacks are left whole; settings replace it."""

    is_off: Callable[[], bool] = staticmethod(lambda: False)


def fold(error: BaseException) -> None:
    """Take the engine's frames out of an exception's traceback, and of those that led to it.

    For where an exception leaves for a user's code; a bare `raise` after it adds no frame. The exception stays the same
    object. One that arose in the engine itself, and is none of its own errors, keeps all its frames.
    """
    if FoldPolicy.is_off():
        return
    with suppress(Exception):  # of exceptions that compute such attributes
        _fold_all(error)


def _fold_all(error: BaseException) -> None:
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        left += (each.__cause__, each.__context__)
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions
        each.__traceback__ = _folded(each.__traceback__, isinstance(each, PerdureError))


def _folded(whole: TracebackType | None, is_told: bool) -> TracebackType | None:
    frames = []
    entry = whole
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    if not is_told and frames and _is_own(frames[-1]):
        return whole
    folded: TracebackType | None = None
    for entry in reversed(frames):
        if not _is_own(entry):
            folded = TracebackType(folded, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return folded


def _is_own(entry: TracebackType) -> bool:
    file = entry.tb_frame.f_code.co_filename
    return file.startswith(_OWN) and not file.startswith(_TESTING)


__all__ = ["FoldPolicy", "fold"]
