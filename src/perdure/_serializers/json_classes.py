"""Classes by their path: `package.module.Outer.Inner`. Looking one up runs no code and imports nothing."""

import sys

from perdure._platform import moved, programs
from perdure._serializers.references import known_class


def path_of(kind: type) -> str:
    """The path under which a class is written; a script's is the one that others would import it by."""
    return f"{programs.name_of_module(kind.__module__)}.{kind.__qualname__}"


def find_class(path: str) -> type | None:
    """The class of a path, if the modules that this process has imported hold it."""
    parts = moved.current(path).split(".")
    for end in range(len(parts) - 1, 0, -1):
        module, name = ".".join(parts[:end]), ".".join(parts[end:])
        if programs.is_worker() and (sent := known_class(module, name)) is not None:
            return sent  # of a program that is in another process
        held = [programs.walk(each, name) for each in _modules(module)]
        if held:
            return next((each for each in held if isinstance(each, type)), None)
    return None


def _modules(name: str) -> list[object]:
    if name == "__main__":  # written by an earlier version, which did not say which script it was
        return [sys.modules[name], *programs.loaded_modules()]
    return list(programs.modules_named(name))
