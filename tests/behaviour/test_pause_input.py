"""Input of a paused flow run, checked where it is given by the schema that the run waits with."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from perdure._engine.control.input_check import mismatch
from perdure._execution.control import _input_of


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Order(BaseModel):
    urgent: bool
    notes: list[str] = []


class Review(BaseModel):
    approved: bool
    order: Order | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1
    labels: dict[str, int] = {}


def wrong(wanted: Any, answer: object) -> str | None:
    asks, _ = _input_of(wanted)
    assert asks is not None
    return mismatch(json.loads(asks), answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"approved": "perhaps"}, 'approved takes boolean, and was given "perhaps"'),
        ({"aproved": True}, "\"aproved\" is no field. Did you mean 'approved'?"),
        ({"approved": True, "zzz": 1}, '"zzz" is no field. It takes approved, order, share, labels'),
        ({"approved": True, "order": {"urgent": 7}}, "order.urgent takes boolean, and was given 7"),
        ({"approved": True, "order": {"urgent": 1, "notes": ["a", 2]}}, "order.notes[1] takes string, and was given 2"),
        ({"approved": True, "order": "now"}, 'order takes object or null, and was given "now"'),
        ({"approved": True, "share": 1.5}, "share takes number > 0 <= 1, and was given 1.5"),
        ({"approved": True, "labels": {"x": "y"}}, 'labels.x takes integer, and was given "y"'),
    ],
)
def test_what_no_type_of_a_field_takes_is_named(answer: object, said: str) -> None:
    assert wrong(Review, answer) == said


ANSWERS: list[object] = [
    *(None, True, 0, 1, 2, -1.5, "yes", "t", "perhaps", "1", "1.0", "", "red", "green", [], ["1"], [1], {}, {"a": 1}),
    *("2026-01-31", "2026-01-31T12:00:00Z", "P1D", "12:00", "7f2c1e5a-0b43-4d0a-9d43-5f1f0a1b2c3d", 1_700_000_000),
]
TYPES: list[Any] = [
    *(bool, int, float, str, bytes, date, datetime, timedelta, UUID, Decimal, Path, Colour, list[int], set[str]),
    *(Literal["red", 1], dict[str, int], tuple[int, str], int | None, str | list[int], Any),
]


@pytest.mark.parametrize("wanted", TYPES, ids=str)
def test_nothing_is_refused_that_the_flow_would_take(wanted: Any) -> None:
    refused = [answer for answer in ANSWERS if wrong(wanted, answer) is not None]

    for answer in refused:
        with pytest.raises(ValidationError):
            TypeAdapter(wanted).validate_json(json.dumps(answer))


class Lenient(BaseModel):
    share: Annotated[float, BeforeValidator(lambda text: text.replace(",", "."))]


class Renamed(BaseModel):
    approved: bool = Field(validation_alias=AliasChoices("approved", "ok"))


@pytest.mark.parametrize(("wanted", "answer"), [(Lenient, {"share": "1,5"}), (Renamed, {"ok": True})])
def test_what_a_type_makes_of_raw_input_is_left_to_the_flow(wanted: Any, answer: object) -> None:
    assert wrong(wanted, answer) is None
