"""Modules that this process has imported, and to the end.

A module is in `sys.modules` from the beginning of its import on. Another thread that looks in the middle of it finds a
module that lacks most of its names, or that has only begun to have them.
"""

import sys
from types import ModuleType


def imported(name: str) -> ModuleType | None:
    """The module, if its import has ended; None if it has not, or never began. Nothing is imported by this."""
    module = sys.modules.get(name)
    # Python's own mark, which its import of attributes and its messages go by.
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module


__all__ = ["imported"]
