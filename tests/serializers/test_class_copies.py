"""Copies of classes have the members, names and slots of the classes."""

import enum
import io
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from perdure._serializers.class_copies import copying_pickler

SHOW = """
import pickle, sys
kind = pickle.load(sys.stdin.buffer)
if hasattr(kind, "__members__"):
    print({name: member.name for name, member in kind.__members__.items()})
else:
    print(kind().__reduce_ex__(5)[2])
"""


def classes() -> dict[str, Any]:
    """Classes that no other process can import."""

    class Colour(enum.Enum):
        RED = 1
        CRIMSON = RED

    class Access(enum.IntFlag):
        READ = 1
        WRITE = 2
        BOTH = 3

    class Text(enum.StrEnum):
        A = "a"
        FIRST = A

    @dataclass(slots=True)
    class Order:
        number: int = 1

    class Private:
        __slots__ = ("__code", "__weakref__", "name")

        def __init__(self) -> None:
            self.name, self.__code = "a", 2

    class Below(Private):
        __slots__ = "one"

        def __init__(self) -> None:
            super().__init__()
            self.one = 1

    class Pair(NamedTuple):
        one: int = 1

    return {kind.__name__: kind for kind in (Colour, Access, Text, Order, Private, Below, Pair)}


@pytest.mark.parametrize("name", list(classes()))
def test_a_copy_in_another_process_has_the_members_names_and_slots_of_the_class(name: str) -> None:
    kind, file = classes()[name], io.BytesIO()
    copying_pickler()(file, pickle.HIGHEST_PROTOCOL).dump(kind)

    shown = subprocess.run([sys.executable, "-c", SHOW], input=file.getvalue(), capture_output=True, check=True).stdout

    if issubclass(kind, enum.Enum):
        expected: Any = {name: member.name for name, member in kind.__members__.items()}
    else:
        expected = kind().__reduce_ex__(5)[2]
    assert shown.decode().strip() == str(expected)
