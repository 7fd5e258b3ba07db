"""Modules that are being imported right now: another thread that looks one up waits, maybe for ever."""

import sys
from importlib import _bootstrap
from types import ModuleType


def is_being_imported(module: ModuleType | None) -> bool:
    """Whether the import of a module has begun, in whatever thread, and not ended."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def modules_being_imported() -> list[ModuleType]:
    """All of these modules."""
    if not getattr(_bootstrap, "_module_locks", True):  # no import is going on
        return []
    return [module for name, module in list(sys.modules.items()) if name != "__main__" and is_being_imported(module)]
