"""Types that golden documents and tests name."""

import enum
import threading
from dataclasses import InitVar, dataclass, field
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr


class Colour(enum.Enum):
    RED = "red"
    BLUE = ("b", 1)


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Pair(NamedTuple):
    left: int
    right: str


@dataclass
class Point:
    x: int
    when: datetime


@dataclass(frozen=True, slots=True)
class Frozen:
    parts: tuple[int, ...]


@dataclass
class Initialised:
    """A dataclass whose `__init__` is not the inverse of its fields."""

    seed: InitVar[int]
    doubled: int = field(init=False)

    def __post_init__(self, seed: int) -> None:
        self.doubled = 2 * seed


class Order(BaseModel):
    id: int
    placed: datetime


class Basket(BaseModel):
    model_config = ConfigDict(extra="allow")

    orders: list[Order] = Field(alias="Orders")
    note: str = "none"
    _count: int = PrivateAttr(default=3)


class Login(BaseModel):
    user: str
    password: SecretStr


class OutOfStockError(Exception):
    def __init__(self, item: str, *, wanted: int) -> None:
        super().__init__(f"{item} is out of stock")
        self.item = item
        self.wanted = wanted


class Model:
    """An object that holds something that cannot be pickled."""

    def __init__(self) -> None:
        self.name = "m"
        self.lock = threading.Lock()
