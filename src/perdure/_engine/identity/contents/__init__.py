"""What counts of values, library by library: all that can be seen of them, and nothing of how they came to be."""

import functools
from collections.abc import Callable

from perdure._engine.identity.contents.content import Content, Describe, Named, Raw, Unordered

__all__ = ["Content", "Describe", "Named", "Raw", "Unordered", "describer_of"]


@functools.lru_cache(maxsize=10_000)
def describer_of(kind: type) -> Describe | None:
    """What says of values of a type what counts of them; None if their own reduction does."""
    for base in kind.__mro__:
        library = _LIBRARIES.get(str(base.__module__).partition(".")[0])
        if library is not None:
            found = library()(kind)
            if found is not None:
                return found
    return None


def _arrays() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import arrays

    return arrays.describer_of


def _frames() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import frames

    return frames.describer_of


def _columns() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import columns

    return columns.describer_of


def _labelled() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import labelled

    return labelled.describer_of


def _tensors() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import tensors

    return tensors.describer_of


def _generators() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import generators

    return generators.describer_of


def _builtins() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import builtin

    return builtin.describer_of


def _definitions() -> Callable[[type], Describe | None]:
    from perdure._engine.identity.contents import definitions

    return definitions.describer_of


_LIBRARIES: dict[str, Callable[[], Callable[[type], Describe | None]]] = {
    "numpy": _arrays,
    "pandas": _frames,
    "pyarrow": _columns,
    "polars": _columns,
    "perdure": _definitions,
    "xarray": _labelled,
    "scipy": _labelled,
    "torch": _tensors,
    "random": _generators,
    **dict.fromkeys(("builtins", "types", "functools", "pathlib", "collections", "_weakrefset"), _builtins),
}
