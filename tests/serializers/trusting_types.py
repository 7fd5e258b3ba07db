"""Types whose own code would show that it was run while JSON was loaded."""

import enum
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ImportString, field_validator

from perdure.serializers import JSONSerializer

ran: list[str] = []


class Validated(BaseModel):
    """Has a validator."""

    x: Any

    @field_validator("x")
    @classmethod
    def _check(cls, value: Any) -> Any:
        ran.append("validator")
        return value


class Holds(BaseModel):
    """Holds a model that has a validator."""

    inner: Validated


class Imports(BaseModel):
    """Imports what it is given the name of, by pydantic's own validator."""

    plugin: ImportString[Any]


class HoldsSerializer(BaseModel):
    """Would construct a serializer, which imports the library that it is given the name of."""

    serializer: JSONSerializer


class Plain(BaseModel):
    """Is validated by pydantic alone."""

    x: int


class Initialised(BaseModel):
    """Has an `__init__`."""

    x: Any

    def __init__(self, **fields: Any) -> None:
        ran.append("__init__")
        super().__init__(**fields)


@dataclass
class PostInitialised:
    """Runs code once it is made."""

    x: Any

    def __post_init__(self) -> None:
        ran.append("__post_init__")


class Lenient(enum.Enum):
    """Makes a member of anything."""

    ONE = 1

    @classmethod
    def _missing_(cls, value: object) -> Any:
        ran.append("_missing_")
        return cls.ONE


class Loud(Exception):
    """Has a `__new__`."""

    def __new__(cls, *args: Any) -> "Loud":
        ran.append("__new__")
        return super().__new__(cls, *args)
