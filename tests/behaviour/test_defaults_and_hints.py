"""Defaults are validated as arguments are; hints that pydantic cannot use concern their own parameter alone."""

import logging
import typing
from datetime import date
from typing import Annotated, Any, TypedDict

import pydantic.v1
import pytest
from pydantic import BaseModel, Field

from perdure import flow
from perdure.errors import ParameterTypeError

if typing.TYPE_CHECKING:
    from decimal import Decimal


class Limits(BaseModel):
    rows: int


class Old(pydantic.v1.BaseModel):
    a: int


class Row(TypedDict):
    a: int


def test_defaults_are_converted() -> None:
    @flow
    def report(limits: Limits = {"rows": "5"}, day: date = "2024-05-01", *, n: int = "3") -> Any:  # type: ignore  # noqa: B006
        return limits, day, n

    assert report() == (Limits(rows=5), date(2024, 5, 1), 3)


def test_a_default_that_does_not_fit_is_named() -> None:
    @flow
    def report(n: int = "three") -> None:  # type: ignore[assignment]
        pass

    with pytest.raises(ParameterTypeError, match="n='three'"):
        report()


def test_none_as_a_default_fits_any_hint() -> None:
    @flow
    def report(n: int = None) -> Any:  # type: ignore[assignment]  # noqa: RUF013
        return [n]

    assert report() == report(None) == [None]  # type: ignore[arg-type]


def test_fields_say_the_default_and_its_limits() -> None:
    @flow
    def pages(count: int = Field(default=3, ge=1), tags: list[str] = Field(default_factory=list)) -> Any:  # noqa: B008
        return count, tags

    assert (pages(), pages("7")) == ((3, []), (7, []))  # type: ignore[arg-type]
    with pytest.raises(ParameterTypeError, match="count=0"):
        pages(0)


def test_a_required_field_that_is_not_given_is_named() -> None:
    @flow
    def pages(count: int = Field(..., ge=1)) -> int:
        return count

    assert pages(1) == 1
    with pytest.raises(ParameterTypeError, match="count .it is required"):
        pages()


def test_limits_in_an_annotation_hold_for_arguments_and_defaults() -> None:
    @flow
    def pages(count: Annotated[int, Field(ge=1)] = 0) -> int:
        return count

    assert pages(2) == 2
    with pytest.raises(ParameterTypeError, match="count=0"):
        pages()


def test_a_hint_that_is_not_there_turns_off_its_own_parameter_alone() -> None:
    reported: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = reported.append  # type: ignore[method-assign]
    logging.getLogger("perdure.flow_runs").addHandler(handler)

    def function(n: "int", price: "Decimal | None" = None, day: "date" = date.min) -> Any:
        return n, price, day

    made = flow(function)
    assert made("3", "not a number", "2024-05-01") == (3, "not a number", date(2024, 5, 1))  # type: ignore[arg-type]
    made("4")  # type: ignore[arg-type]

    logging.getLogger("perdure.flow_runs").removeHandler(handler)
    (warning,) = [each.getMessage() for each in reported if "not validated" in each.getMessage()]
    assert "'price'" in warning
    assert "validate_parameters=False" in warning


def test_models_of_pydantic_1_are_validated() -> None:
    @flow
    def reads(old: Old) -> int:
        return old.a

    assert (reads(Old(a=1)), reads({"a": "2"})) == (1, 2)  # type: ignore[arg-type]
    with pytest.raises(ParameterTypeError, match="old="):
        reads({"a": "x"})  # type: ignore[arg-type]


@pytest.mark.parametrize("hint", [Row, list[Row], dict[str, Old]])
def test_a_hint_that_pydantic_refuses_lets_values_pass(hint: Any) -> None:
    def function(value: Any, n: int) -> Any:
        return value, n

    function.__annotations__["value"] = hint
    value: Any = [{"a": 1}] if hint == list[Row] else {"a": 1} if hint is Row else {"x": Old(a=1)}

    assert flow(function)(value, "3") == (value, 3)  # type: ignore[arg-type]
