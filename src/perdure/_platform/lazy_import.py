"""Modules that are imported when something of them is first used, so that programs which never do start faster."""

import types
from collections.abc import Mapping
from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for a module. What was once asked of it is an attribute of its own, found as fast as that of a module."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> object:
        found = getattr(import_module(self._module), name)
        setattr(self, name, found)
        return found


_LAZY = getattr(types, "LazyImportType", None)  # from Python 3.15 on: what `lazy import` leaves until it is used


def imported_value(namespace: Mapping[str, object], name: str, default: object) -> Any:
    """What a name stands for in a module, imported if that was put off; `default` if it is not there, or nowhere."""
    found: Any = namespace.get(name, default)
    if _LAZY is None or type(found) is not _LAZY:
        return found
    try:
        return found.resolve()
    except ImportError:
        return default
