"""`prefect` as a name of Perdure's modules, so that code written for Prefect can be run without changing a line.

A name is found where docs/coming-from-prefect.md says: at the same path, or where `perdure migrate` moves it. One that
is nowhere is a `Lacking` object: it can be imported and called as a file is collected, and fails where a test uses it.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from perdure._migration.prefect_names import PREFECT
from perdure._migration.rules import Move

from .stand_ins import STAND_INS


class LacksName(AssertionError):
    """A test used a name that Perdure does not have."""


class Lacking:
    """A name that Perdure does not have."""

    collecting = True  # While files are collected, what is made of such a name is such a name.

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def _used(self, how: str) -> Any:
        if Lacking.collecting:
            return Lacking(f"{self.__name__}{how}")
        raise LacksName(f"lacks {self.__name__}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("pytestmark", "_pytestfixturefunction"):
            raise AttributeError(name)
        return self._used(f".{name}")

    def __call__(self, *args: Any, **options: Any) -> Any:
        plain = len(args) == 1 and not options and callable(args[0])
        return args[0] if plain and Lacking.collecting else self._used("()")

    def __getitem__(self, key: Any) -> Any:
        return self._used("[]")

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        if Lacking.collecting:
            return ()
        raise LacksName(f"lacks {self.__name__}")

    def __or__(self, other: Any) -> Any:
        return self._used("|")

    __ror__ = __or__

    def __iter__(self) -> Any:
        return iter(()) if Lacking.collecting else self._used("[]")

    def __repr__(self) -> str:
        return f"<lacks {self.__name__}>"


_PRIVATE = {"_internal", "agent", "engine", "orion", "server", "workers"}  # Perdure's former names of such are its own


def find(name: str) -> Any:
    """What `prefect.a.b` is here: a module, a class, a function, or a `Lacking`."""
    if name in STAND_INS:
        return STAND_INS[name]
    path = name.partition(".")[2]
    if path.partition(".")[0] in _PRIVATE:
        return Lacking(name)
    try:
        return import_module(f"perdure.{path}".removesuffix("."))
    except ModuleNotFoundError:
        pass
    module, _, last = path.rpartition(".")
    for each in (last, last.replace("PREFECT_", "PERDURE_", 1)):
        try:
            return getattr(import_module(f"perdure.{module}".removesuffix(".")), each)
        except (ModuleNotFoundError, AttributeError):
            pass
    moved = PREFECT.find(name)
    if isinstance(moved, Move):
        target, _, attribute = moved.to.rpartition(".")
        try:
            return getattr(import_module(target), attribute)
        except (ModuleNotFoundError, AttributeError, ValueError):
            pass
    return Lacking(name)


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and f"{self.__name__}.{name}" not in STAND_INS:
            raise AttributeError(name)
        found = find(f"{self.__name__}.{name}")
        if isinstance(found, Lacking) and not Lacking.collecting:
            raise AttributeError(f"lacks {found.__name__}")
        return found


class PrefectNames(MetaPathFinder, Loader):
    """Finds every module of `prefect`, whether Perdure has one like it or not."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "prefect":
            return None
        if not Lacking.collecting and isinstance(find(fullname), Lacking):
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def install() -> None:
    """Puts the finder first; call it before anything imports `prefect`."""
    sys.meta_path.insert(0, PrefectNames())
