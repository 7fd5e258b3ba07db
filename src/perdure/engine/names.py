"""The name that a class or function has in keys and identities."""

from typing import Any


def name_of(kind: Any) -> str:
    """What a class or function is called in a key: its module and its qualified name."""
    return f"{kind.__module__}.{kind.__qualname__}"
