"""The values that cross between Perdure and Prefect 2: this module is imported on both sides, and needs neither."""

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    when: datetime


class Order(BaseModel):
    id: int
    placed: datetime


class OutOfStockError(Exception):
    """An exception with a class of its own."""


MOMENT = datetime(2024, 1, 2, 3, 4, 5, 6)

# What JSON holds by itself, for every serializer
PLAIN: dict[str, Any] = {
    "dict": {"a": 1, "b": [1, 2.5, None, True], "text": "naïve ☃ \u2028 \x00"},
    "list": list(range(100)),
    "text": "line\nbreak",
    "empty": "",
    "integer": 2**70,
    "float": 0.1,
    "large": "x" * 60_000,  # and yet in its document
    "deep": {"a": {"b": {"c": [[[{}]]]}}},
}

# What needs an extension of JSON
RICH: dict[str, Any] = {
    "bytes": b"hi",
    "datetime": MOMENT,
    "aware": MOMENT.replace(tzinfo=UTC),
    "date": date(2024, 1, 2),
    "time": time(3, 4, 5),
    "timedelta": timedelta(days=400, seconds=2.5),
    "decimal": Decimal("1.10"),
    "uuids": [UUID(int=5)],
    "set": {1, 2},
    "frozenset": frozenset({1}),
    "nested": {"days": [date(2024, 1, 2)], "by": {"k": {1}}},
    "exception": ValueError("x"),
}

# Classes of one's own: pickles name them
OWN: dict[str, Any] = {
    "tuple": (1, ("a", None)),
    "complex": 1 + 2j,
    "path": PurePosixPath("/a/b"),
    "enum": Colour.RED,
    "dataclass": Point(1, MOMENT),
    "model": Order(id=1, placed=MOMENT),
    "own_exception": OutOfStockError("tea", 3),
}

VALUES = PLAIN | RICH | OWN
JSON_NAMES = [*PLAIN, *RICH]
SERIALIZERS = {
    "pickle": list(VALUES),
    "compressed/pickle": list(VALUES),
    "json": JSON_NAMES,
    "compressed/json": JSON_NAMES,
}
# One document for each: its name, and what it is written with
DOCUMENTS = {
    f"{serializer.replace('/', '-')}.{name}": (serializer, name)
    for serializer, names in SERIALIZERS.items()
    for name in names
}


def same(value: Any, expected: Any) -> bool:
    """Whether one is equal to the other, types included; exceptions by their arguments."""
    if type(value) is not type(expected):
        return False
    return value.args == expected.args if isinstance(value, BaseException) else bool(value == expected)
