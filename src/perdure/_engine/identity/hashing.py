"""Digests of values: the same in every process for equal values of the same types, and different otherwise."""

import functools
import hashlib
import inspect
import sys
from pathlib import Path
from types import FunctionType, MappingProxyType
from typing import Any

from perdure._engine.identity.contents.content import Content, Unordered, attributes, named
from perdure._engine.identity.contents.reduction import is_found_by_name
from perdure._engine.identity.digests import digest_of
from perdure._engine.identity.tokens import SCALARS, write_scalar
from perdure._engine.identity.walker import Former, StandIn
from perdure._platform.standard_library import folders

_PACKAGES = ("site-packages", "dist-packages")


def digest_of_values(*values: object, stand_in: StandIn | None = None, path: str = "", ordered: bool = True) -> str:
    """64 hexadecimal characters that stand for the values.

    Types count: 1, 1.0, True and "1" differ, as do a list and a tuple. The order of sets does not; that of dicts does,
    if `ordered`.
    All that can be seen of a value counts, or what its type's own reduction says that it is. Functions and classes
    count with their code, those of installed packages by their names. `path` is what an error calls the values.

    Raises:
        SerializationError: a part of a value, named by its path, can be neither, such as a lock or an open file.
    """
    if len(values) == 1 and type(values[0]) in SCALARS:  # most are
        hasher = hashlib.sha256()
        write_scalar(hasher.update, values[0])
        return hasher.hexdigest()
    return digest_of(values, stand_in, path, code_of, ordered)[0]


def digest_and_former(value: object, path: str) -> tuple[str, Former]:
    """The digest of a value, and how far the one that earlier versions made of it agrees.

    Raises:
        SerializationError: a part of the value, named by its path, cannot be digested.
    """
    return digest_of((value,), path=path, code=code_of)


def code_of(value: Any) -> Content:
    """What counts of a function or class that is itself a value."""
    if _is_others(value):
        return Content("code", {"name": named(value)})
    from perdure._engine.identity.code_values import digests_of_code  # few programs need it; the others start faster

    if isinstance(value, type):
        return Content("code", {"name": named(value), "source": digests_of_code(value)}, keeps_former=False)
    beside = {name: item for name, item in vars(value).items() if name != "__wrapped__"}
    if isinstance(beside.get("registry"), MappingProxyType) and "dispatch" in beside:
        parts = {"function": inspect.unwrap(value), "registry": Unordered(tuple(beside["registry"].items()))}
        return Content("singledispatch", parts, keeps_former=False)
    parts = {
        "source": digests_of_code(value),
        "defaults": (value.__defaults__, value.__kwdefaults__),
        "holds": list(value.__closure__ or ()),
        "attributes": attributes(beside),
    }
    return Content("code", parts, keeps_former=False)


def _is_others(value: Any) -> bool:
    """Whether a function or class is one that others have written, which its name leads to."""
    if not is_found_by_name(value):
        return False
    module = sys.modules.get(value.__module__)
    if not _is_installed(getattr(module, "__file__", None), value.__module__):
        return False
    innermost = inspect.unwrap(value)
    return not isinstance(innermost, FunctionType) or _is_installed(innermost.__code__.co_filename, "")


@functools.lru_cache(maxsize=10_000)
def _is_installed(file: str | None, module: str) -> bool:
    """Whether a file is one of Python's own, or of an installed package."""
    if file is None:
        return module != "__main__"
    if file.startswith("<"):
        return file.startswith(("<frozen", "<__array_function__"))
    path = Path(file).absolute()
    if any(each in path.parts for each in _PACKAGES):
        return True
    return any(path.is_relative_to(folder) for folder in folders())
