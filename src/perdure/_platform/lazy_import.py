"""Modules that are imported when something of them is first used, so that programs which never do start faster."""

from importlib import import_module


class LazyModule:
    """Stands for a module. What was once asked of it is an attribute of its own, found as fast as that of a module."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> object:
        found = getattr(import_module(self._module), name)
        setattr(self, name, found)
        return found
