"""Former names of Perdure's own modules: what was written under them is read, and code that imports them still runs.

A pickle, a JSON document and the digest of an argument name classes by their modules. So each class has three names
that all mean it: the one of today, that of the public module which exports it, and the first one that it ever had.
`current` makes the first of these of any, for looking it up; `first` makes the last, which digests are made of.
"""

import functools
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

_OfModules = Mapping[str, Mapping[str, str]]  # by the names of modules
_OURS = "perdure."


def current(path: str) -> str:
    """The path of a class or function of Perdure's own, by the module that has it today; other paths as they are."""
    if not path.startswith(_OURS):
        return path
    first_module, name = _split(path)
    return f"{_home(first_module, name)}.{name}"


def standard(module: str) -> str:
    """The public module, where some versions of Python keep its classes in a private one; other modules as they are."""
    return _STANDARD.get(module, module)


_STANDARD = {"pathlib._local": "pathlib", "zipfile._path": "zipfile"}


def first(path: str) -> str:
    """The path of a class or function of Perdure's own, by the module that had it first; other paths as they are."""
    return ".".join(_split(path)) if path.startswith(_OURS) else path


def all_names(path: str) -> frozenset[str]:
    """Every path by which a class or function of Perdure's own may be meant; of others, the one."""
    if not path.startswith(_OURS):
        return frozenset((path,))
    first_module, name = _split(path)
    of_public = (public for public, names in _tables()[1].items() if names.get(_head(name)) == first_module)
    modules = (first_module, _modules().get(first_module, first_module), _home(first_module, name), *of_public)
    return frozenset((path, *(f"{module}.{name}" for module in modules)))


def _split(path: str) -> tuple[str, str]:
    """The module that had it first, and its qualified name."""
    modules, public, before, _ = _tables()
    end = len(path)
    while (end := path.rfind(".", 0, end)) > 0:
        module, name = path[:end], path[end + 1 :]
        if (had := public.get(module, {}).get(_head(name))) is not None:
            return had, name
        if module in before:
            return before[module], name
        if module in modules:
            return module, name
    module, _, name = path.rpartition(".")
    return module, name


def _home(first_module: str, name: str) -> str:
    """The module of today that has what a former module had under a name."""
    elsewhere: str | None = _tables()[3].get(first_module, {}).get(_head(name))
    return elsewhere or str(_modules().get(first_module, first_module))


def _head(name: str) -> str:
    return name.partition(".")[0]


def _modules() -> Mapping[str, str]:
    return _tables()[0]


@functools.cache
def _tables() -> tuple[Mapping[str, str], _OfModules, Mapping[str, str], _OfModules]:
    from perdure._platform.moved_names import MODULES, NAMES, PUBLIC, RENAMED, SPLIT  # most programs never need them

    modules = {
        **RENAMED,
        **MODULES,
    }  # of a module that has several former names, the one of before the house is the first
    before = {**{now: former for former, now in modules.items()}, **SPLIT}
    return modules, PUBLIC, {**before, **{former: before[now] for former, now in RENAMED.items()}}, NAMES


class FormerModules:
    """Finds modules by the names that they had: the last of the finders, asked for what is nowhere else."""

    def find_spec(self, name: str, _: Sequence[str] | None, __: ModuleType | None = None) -> ModuleSpec | None:
        """The module of that former name; None if there was none."""
        if not name.startswith(_OURS) or name not in _modules():
            return None
        now = _modules()[name]
        counts = {
            each: sum(_modules().get(former, former) == now for former in names.values())
            for each, names in _tables()[1].items()
        }
        exporting = {each: count for each, count in counts.items() if count}
        public = max(exporting, key=exporting.__getitem__, default=None)  # the one with most of its names
        where = f"Import from {public}." if public else f"It is {now} now, which is private and may change."
        warnings.warn(f"The module {name} has moved. {where}", DeprecationWarning, stacklevel=2)
        return ModuleSpec(name, _Forwarding(now), is_package=True)  # type: ignore[arg-type]


class _Forwarding:
    """Makes a module that has all that another one has."""

    def __init__(self, now: str) -> None:
        self._now = now

    def create_module(self, _: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        from importlib import import_module

        there, former = import_module(self._now), module.__name__
        elsewhere = _tables()[3].get(former, {})

        def found(name: str) -> object:
            return getattr(import_module(_home(former, name)) if name in elsewhere else there, name)

        module.__doc__ = there.__doc__
        module.__getattr__ = found  # type: ignore[method-assign]
        module.__dir__ = functools.partial(dir, there)  # type: ignore[method-assign]


def find_former_modules() -> None:
    """Have former names of modules found from now on."""
    if not any(isinstance(finder, FormerModules) for finder in sys.meta_path):
        sys.meta_path.append(FormerModules())  # of no base class: importlib.abc takes 4 ms to import


def export(namespace: dict[str, Any]) -> None:
    """Have the classes and functions that a public module exports say that they are of it.

    Tracebacks, representations and pickles name that one then, which stays. What another public module has exported
    before stays as it is.
    """
    for name in namespace["__all__"]:
        exported = namespace.get(name)  # what is imported once it is asked for is not there yet
        if isinstance(exported, type | FunctionType) and exported.__module__.startswith("perdure._"):
            exported.__module__ = namespace["__name__"]
