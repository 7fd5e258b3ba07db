"""Finds which part of an object cannot be pickled, so that an error can name it."""

from collections.abc import Callable, Iterator
from typing import Any

_MAX_DEPTH = 20
_MAX_PROBES = 2_000  # parts that are tried, so that naming an error never takes long


def find_unpicklable(value: object, dumps: Callable[[object], object], error: Exception) -> tuple[str, Exception]:
    """The path of the innermost part that `dumps` refuses, such as `result["model"].lock`, and its error.

    `error` is what `dumps` said of `value` itself.
    """
    path, probes = "result", iter(range(_MAX_PROBES))
    on_path = [value]
    while len(on_path) <= _MAX_DEPTH:
        try:
            inner = _refused_part(on_path, dumps, probes)
        except Exception:  # from the object's own code, such as a __repr__: what is known so far must do
            break
        if inner is None:
            break
        step, part, error = inner
        path += step
        on_path.append(part)
    return path, error


def _refused_part(
    on_path: list[object], dumps: Callable[[object], object], probes: Iterator[int]
) -> tuple[str, object, Exception] | None:
    # The probes come first in `zip`: when they are used up, no further part is taken.
    for _, (step, part) in zip(probes, _parts(on_path[-1]), strict=False):
        if any(part is each for each in on_path):
            continue
        try:
            dumps(part)
        except Exception as error:
            return step, part, error
    return None


def _parts(value: object) -> Iterator[tuple[str, Any]]:
    """What pickling `value` also pickles, each with the step that leads to it."""
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield f".key[{_short(key)}]", key
            yield f"[{_short(key)}]", item
    elif isinstance(value, list | tuple):
        yield from ((f"[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from ((f"{{{_short(item)}}}", item) for item in value)
    elif isinstance(value, BaseException):
        yield from ((f".args[{index}]", item) for index, item in enumerate(value.args))
    if not isinstance(value, type):
        yield from _variables(value)
        yield from ((f".{name}", item) for name, item in _attributes(value).items())


def _attributes(value: object) -> dict[str, object]:
    try:
        state = value.__getstate__()
    except Exception:  # the object refuses: its attributes may still tell why
        state = getattr(value, "__dict__", None)
    # Objects with __slots__ have a pair: the state of __dict__, and that of the slots.
    parts = state if isinstance(state, tuple) else (state,)
    return {str(name): item for part in parts if isinstance(part, dict) for name, item in part.items()}


def _variables(value: object) -> Iterator[tuple[str, object]]:
    """The variables that a function closes over, and those of its module that it names."""
    code = getattr(value, "__code__", None)
    for name, cell in zip(getattr(code, "co_freevars", ()), getattr(value, "__closure__", None) or (), strict=False):
        yield f"({name})", cell.cell_contents
    names = getattr(value, "__globals__", {})
    yield from ((f"({name})", names[name]) for name in getattr(code, "co_names", ()) if name in names)


def _short(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
