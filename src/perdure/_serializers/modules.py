"""Modules and functions that a serializer's options name: imported, checked, and chosen by this process.

A result document names them too, and a document is data. So what a document names is used only if it is
well known to do no more than its job, or if a serializer was constructed with it by the code of this process: a value
that is loaded chooses nothing.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType

from pydantic import ValidationInfo

from perdure._serializers.compression_streams import ZSTD_NAMES

_chosen: set[tuple[str, str]] = {
    *(("picklelib", name) for name in ("cloudpickle", "pickle", "dill")),
    *(("jsonlib", name) for name in ("json", "orjson", "simplejson", "ujson", "rapidjson")),
    *(
        ("compressionlib", name)
        for name in ("lzma", "bz2", "zlib", "gzip", *ZSTD_NAMES, "brotli", "lz4.frame", "snappy")
    ),
}


_is_loading: ContextVar[bool] = ContextVar("is_loading", default=False)


@contextmanager
def without_choosing() -> Iterator[None]:
    """Have serializers that are constructed in the block be held to what was chosen before."""
    token = _is_loading.set(True)
    try:
        yield
    finally:
        _is_loading.reset(token)


def check_choice(name: str, info: ValidationInfo) -> None:
    """Raise ValueError if a document names what this process did not choose; otherwise remember the choice."""
    choice = (str(info.field_name), name)
    if not ((info.context or {}).get("from_document") or _is_loading.get()):
        _chosen.add(choice)
    elif choice not in _chosen:
        raise ValueError(
            f"the document names {name!r} as its {info.field_name}, which this process has not chosen. If you trust"
            f" it, import the code that defines the flow, or construct the serializer with {info.field_name}={name!r}."
        )


def import_module(name: str, functions: Iterable[str], option: str) -> ModuleType:
    """The module of a name, which must have the given functions; raises ValueError otherwise."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ValueError(
            f"the module {name!r} cannot be imported ({error}); install it, or set another {option}"
        ) from error
    missing = [each for each in functions if not callable(getattr(module, each, None))]
    if missing:
        raise ValueError(f"the module {name!r} has no function {' or '.join(missing)!s}, which a {option} must have")
    return module


def import_function(path: str, option: str) -> Callable[..., object]:
    """The function that a dotted path such as `package.module.name` leads to; raises ValueError otherwise."""
    module_name, _, name = path.rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{option} {path!r} is not the dotted path of a function that can be imported ({error})"
        ) from error
    if not callable(function):
        raise ValueError(f"{option} {path!r} is a {type(function).__name__}, not a function")  # noqa: TRY004
    return function  # type: ignore[no-any-return]
