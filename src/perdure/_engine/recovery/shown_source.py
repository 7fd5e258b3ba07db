"""The source of a flow's function, to be looked at beside its runs: each text is recorded once.

It is taken from the function's file if that is what runs. A file that was written after this process began is compiled,
to see whether the function is in it as it is here; one that was not is what Python has read.
"""

import hashlib
import json
import linecache
import os
import time
import tokenize
from collections.abc import Callable, Iterator, Sequence
from types import CodeType

from perdure._model.records import SourceRecord
from perdure._platform.redaction import redact

MOST = 64 * 2**10  # bytes of a function's source; of a longer one, its first lines are kept
_BEGAN = time.time()
_DEEPEST = 20  # decorators round a function

_known: dict[tuple[str, CodeType], SourceRecord | None] = {}  # equal code may be in several files


def shown_source(function: Callable[..., object]) -> SourceRecord | None:
    """A function's source, without secrets, under a digest of it; None if it is not to be had.

    Its parts are `text`, `line`, the number of its first line in the file, and `is_cut`.
    """
    code = _code_of(function)
    if code is None:
        return None
    key = code.co_filename, code
    if key not in _known:
        _known[key] = _record(code)
    return _known[key]


def _code_of(function: object) -> CodeType | None:
    for _ in range(_DEEPEST):
        if not hasattr(function, "__wrapped__"):
            break
        function = function.__wrapped__
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) and code.co_name != "<lambda>" else None


def _record(code: CodeType) -> SourceRecord | None:
    try:
        lines = _lines_of(code)
        own = [] if lines is None else _own_lines(code, lines)
    except (OSError, ValueError, SyntaxError, RecursionError, SystemError, KeyError):
        return None  # what only helps to understand a run keeps none from running
    if not any(f"def {code.co_name}" in line for line in own):
        return None
    kept, size = [], 0
    for line in own:
        size += len(line.encode(errors="replace"))
        if size > MOST:
            break
        kept.append(line)
    text = redact("".join(kept)).rstrip() + "\n"
    parts = json.dumps({"text": text, "line": code.co_firstlineno, "is_cut": len(kept) < len(own)})
    return SourceRecord(hashlib.sha256(parts.encode()).hexdigest(), parts)


def _own_lines(code: CodeType, lines: Sequence[str]) -> list[str]:
    """The lines of a function with its decorators, without the indentation that they share."""
    first = code.co_firstlineno - 1
    own = lines[first : max(_last_line(code), first + 1)]
    margin = own[0][: len(own[0]) - len(own[0].lstrip())] if own else ""
    return [line.removeprefix(margin) for line in own]


def _last_line(code: CodeType) -> int:
    ends = [end or start or 0 for start, end, _, _ in code.co_positions()]
    return max([*ends, *map(_last_line, _inside(code))], default=0)


def _inside(code: CodeType) -> Iterator[CodeType]:
    return (each for each in code.co_consts if isinstance(each, CodeType))


def _lines_of(code: CodeType) -> list[str] | None:
    """The lines of the file that a code was made of; None if the file is another one by now."""
    try:
        with tokenize.open(code.co_filename) as file:
            written, text = os.fstat(file.fileno()).st_mtime, file.read()
    except OSError:  # a notebook's cell
        return linecache.getlines(code.co_filename)
    if written >= _BEGAN and not _has(compile(text, code.co_filename, "exec", dont_inherit=True), code):
        return None
    return text.splitlines(keepends=True)


def _has(above: CodeType, code: CodeType) -> bool:
    return any(each == code or _has(each, code) for each in _inside(above))
