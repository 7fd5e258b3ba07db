"""The name that a class or function has in keys and identities."""

from typing import Any

from perdure._platform import moved
from perdure._platform.programs import name_of_module


def name_of(kind: Any) -> str:
    """What a class or function is called in a key: its module and its qualified name.

    A script's module is the one that others would import it by, so that its classes are called alike in every process.
    Perdure's own are called what they were called first, wherever they are now, and those of the standard library the
    same with every version of Python.
    """
    name = f"{moved.standard(name_of_module(kind.__module__))}.{kind.__qualname__}"
    return moved.first(name) if name.startswith("perdure.") else name
