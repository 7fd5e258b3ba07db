"""Objects by their dotted names, and programs as modules."""

import importlib
from types import ModuleType
from typing import Any

from perdure._execution.entrypoints import load_place, split
from perdure._platform.moved import export

__all__ = ["from_qualified_name", "import_object", "load_module", "load_script_as_module", "to_qualified_name"]


def to_qualified_name(obj: Any) -> str:
    """The name by which a class or function is found: its module's, and its own in there."""
    return f"{obj.__module__}.{obj.__qualname__}"


def from_qualified_name(name: str) -> Any:
    """What a dotted name stands for: a module, or something in one.

    Raises:
        ModuleNotFoundError: no module is part of the name.
        AttributeError: its module does not have it.
    """
    module, rest = name, list[str]()
    while True:
        try:
            found: Any = importlib.import_module(module)
            break
        except ModuleNotFoundError as error:
            above, _, last = module.rpartition(".")
            if not above or error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            module, rest = above, [last, *rest]
    for part in rest:
        found = getattr(found, part)
    return found


def import_object(import_path: str) -> Any:
    """What `PATH/TO/FILE.py:NAME`, `MODULE:NAME` or a dotted name stands for.

    Raises:
        EntrypointError: there is no such file or module, or it cannot be loaded.
        AttributeError: it does not have the name.
    """
    place, name = split(import_path)
    return from_qualified_name(import_path) if name is None else getattr(load_place(place), name)


def load_script_as_module(path: str) -> ModuleType:
    """The module that a file stands for, run once in this process; `if __name__ == "__main__"` does not hold there.

    Raises:
        EntrypointError: there is no such file, or it raised an exception, which is the cause then.
    """
    return load_place(path)


def load_module(module_name: str) -> ModuleType:
    """A module by its name, also of one in the current folder. Raises what `load_script_as_module` raises."""
    return load_place(module_name)


export(globals())
