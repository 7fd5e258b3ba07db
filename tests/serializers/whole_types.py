"""Classes whose objects hold more than their fields say."""

import enum
import functools
from collections import namedtuple
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr


@dataclass
class Measured:
    value: float
    seed: InitVar[int] = 0

    def __post_init__(self, seed: int) -> None:
        self.seed_used = seed

    @functools.cached_property
    def doubled(self) -> float:
        return 2 * self.value


@dataclass(slots=True)
class Slotted:
    left: Any


class WithSlot(Slotted):
    __slots__ = ("_right",)

    def __init__(self, left: Any, right: Any) -> None:
        super().__init__(left)
        self._right = right


@dataclass
class Listed(list):  # type: ignore[type-arg]
    name: str = "n"


class Node(BaseModel):
    label: str = ""
    below: Any = None


class Leaf(Node):
    weight: int = 1
    _seen: dict[str, int] = PrivateAttr(default_factory=dict)
    _unset: int = PrivateAttr()

    @functools.cached_property
    def heavy(self) -> bool:
        return self.weight > 9


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")

    known: int = 0


class Hidden(BaseModel):
    shown: int
    hidden: int = Field(default=0, exclude=True)
    listed: list[int] = Field(default_factory=list, exclude=True)


class Named(NamedTuple):
    left: Any
    right: Any = None


class Noted(Named):
    """A named tuple with attributes."""


Plain = namedtuple("Plain", "a b")


class Odd(enum.Enum):
    NAN = float("nan")
    LIST = [1]  # noqa: RUF012
    ZERO = 0


class Folding(str, enum.Enum):  # noqa: UP042
    """Members that are found by other values than their own."""

    A = "a"

    def __new__(cls, value: str) -> "Folding":
        made = str.__new__(cls, value)
        made._value_ = value.upper()
        return made


@dataclass
class Slow:
    parts: list[Any] = field(default_factory=list)


class FailsLaterError(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        super().__init__("later")
        self.code = code
