"""Classes by their path: `package.module.Outer.Inner`. Looking one up runs no code and imports nothing."""

import sys
from typing import Any


def path_of(kind: type) -> str:
    """The path under which a class is written."""
    return f"{kind.__module__}.{kind.__qualname__}"


def find_class(path: str) -> type | None:
    """The class of a path, if the modules that this process has imported hold it."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:end]))
        if module is not None:
            found = _walk(module, parts[end:])
            return found if isinstance(found, type) else None
    return None


def _walk(found: Any, names: list[str]) -> Any:
    for name in names:
        # Not getattr: a module's or a metaclass's __getattr__ is code, and may import.
        found = getattr(found, "__dict__", {}).get(name)
    return found
