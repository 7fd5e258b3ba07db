"""Exceptions: what may be shown of them."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from perdure._platform.redaction import REDACTED, is_secret, mro_of, namespace_of
from perdure._previews.text import announces_a_secret, bytes_text, head, known_text, number, redacted
from perdure._previews.types import is_a, is_exactly, is_of, name_of

_FRAMES = 8
_CAUSES = 3
_PACKAGE = str(Path(__file__).parent.parent) + os.sep
_args = BaseException.__dict__["args"].__get__
_traceback = BaseException.__dict__["__traceback__"].__get__
_cause = BaseException.__dict__["__cause__"].__get__
_context = BaseException.__dict__["__context__"].__get__
_is_suppressed = BaseException.__dict__["__suppress_context__"].__get__


def exception(error: BaseException) -> dict[str, object]:
    """An exception's type and message, where it was raised, and what it came from."""
    shown: dict[str, object] = {"kind": "exception", "type": name_of(type(error)), "message": message_of(error, 1_000)}
    frames = list(_frames(_traceback(error)))
    if frames:
        shown["frames"] = frames
    for name, others in (("causes", _causes(error)), ("exceptions", _members(error))):
        found = [{"type": name_of(type(each)), "message": message_of(each, 300)} for each in others]
        if found:
            shown[name] = found
    return shown


def message_of(error: BaseException, length: int) -> str:
    """An exception's message, without secrets; that of a class with a `__str__` of its own is made of its `args`."""
    kind = type(error)
    if is_of(kind, "pydantic_core") and kind.__name__ == "ValidationError":  # its text shows the inputs
        found = error.errors(include_input=False, include_context=False, include_url=False)  # type: ignore[attr-defined]
        return head("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:20]), length)
    args = _args(error)
    names = any(announces_a_secret(each) for each in args[:5])
    if not names and len(args) <= 5 and all(is_exactly(type(each), *_PLAIN) for each in args) and _says_itself(error):
        return head(str(error), length)
    if is_a(kind, BaseExceptionGroup):
        args = args[:1]
    return head(", ".join(_texts(args[:5], length)), length)


_PLAIN = (str, int, bytes, type(None))
_SAYS_ITSELF = (BaseException, KeyError, OSError, ImportError, UnicodeDecodeError, UnicodeEncodeError)


def _says_itself(error: BaseException) -> bool:
    """Whether `str` of an exception with plain `args` runs Python's own code only."""
    for kind in mro_of(type(error)):
        if "__str__" in namespace_of(kind):
            names = [_filename(error), _filename2(error)] if kind is OSError else []
            return is_exactly(kind, *_SAYS_ITSELF) and all(is_exactly(type(each), *_PLAIN) for each in names)
    return False


_filename = OSError.__dict__["filename"].__get__
_filename2 = OSError.__dict__["filename2"].__get__


def _texts(args: tuple[object, ...], length: int) -> Iterator[str]:
    is_secret_one = False
    for each in args:
        yield str(redacted(each)) if is_secret_one else _text(each, length)
        is_secret_one = announces_a_secret(each)


def _text(value: Any, length: int) -> str:
    kind = type(value)
    if is_secret(value):
        return REDACTED
    if kind is str:
        return head(value, length)
    if kind is int or kind is float:
        return str(number(value))
    if kind is bytes:
        return bytes_text(value)
    text = str(value) if value is None or kind is bool else known_text(value, kind)
    return f"<{name_of(kind)}>" if text is None else text


def _frames(traceback: TracebackType | None) -> "Iterator[dict[str, object]]":
    """The last frames in the user's own code: file, line and function, but no values."""
    last: deque[TracebackType] = deque(maxlen=_FRAMES)
    while traceback is not None:
        if not traceback.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            last.append(traceback)
        traceback = traceback.tb_next
    for each in last:
        code = each.tb_frame.f_code
        # Of a path its end: the rest says whose machine it was, not what happened.
        file = "/".join(code.co_filename.replace("\\", "/").rsplit("/", 3)[-3:])
        yield {"file": head(file, 100), "line": each.tb_lineno, "function": head(code.co_qualname, 80)}


def _causes(error: BaseException) -> "Iterator[BaseException]":
    seen = [error]
    while len(seen) <= _CAUSES:
        below = _cause(error) or (None if _is_suppressed(error) else _context(error))
        if below is None or any(below is each for each in seen):
            return
        seen.append(below)
        yield below
        error = below


def _members(error: BaseException) -> "Sequence[BaseException]":
    return _exceptions(error)[:_CAUSES] if is_a(type(error), BaseExceptionGroup) else ()


_exceptions = BaseExceptionGroup.__dict__["exceptions"].__get__


def is_exception(kind: type) -> bool:
    """Whether a type is one of exceptions."""
    return is_a(kind, BaseException)
