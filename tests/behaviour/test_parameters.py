"""Parameters: bound as Python does it, coerced for flows only, and wrong ones named."""

import dataclasses
from datetime import date
from typing import Any

import pydantic
import pytest

from perdure import flow, task
from perdure.errors import DefinitionError, ParameterBindError, ParameterTypeError


class Point(pydantic.BaseModel):
    x: int


def test_a_flow_coerces_by_its_type_hints() -> None:
    @flow
    def typed(day: date, numbers: list[int], point: Point, flag: bool = False) -> Any:
        return day, numbers, point, flag

    given: Any = ("2024-02-29", ("1", 2), {"x": "3"})
    assert typed(*given) == (date(2024, 2, 29), [1, 2], Point(x=3), False)


def test_a_task_never_coerces() -> None:
    @task
    def typed(x: int) -> Any:
        return x

    assert typed("1") == "1"  # type: ignore[arg-type]


def test_a_flow_that_does_not_validate_does_not_coerce() -> None:
    @flow(validate_parameters=False)
    def typed(x: int) -> Any:
        return x

    assert typed("1") == "1"  # type: ignore[arg-type]


def test_a_wrong_type_names_parameter_value_and_reason() -> None:
    @flow
    def typed(x: int, y: int) -> Any:
        return x, y

    with pytest.raises(ParameterTypeError, match=r"'typed'.*x='one' .*valid integer.*y='two'"):
        typed("one", "two")  # type: ignore[arg-type]


def test_a_wrong_type_is_a_failed_state_if_the_state_is_asked_for() -> None:
    @flow
    def typed(x: int) -> Any:
        return x

    state = typed("one", return_state=True)

    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), ParameterTypeError)


@pytest.mark.parametrize("make", [flow, task])
@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2), {}), ((1,), {"x": 1}), ((), {"z": 1})])
def test_a_wrong_signature_always_raises(make: Any, args: Any, kwargs: Any) -> None:
    @make
    def one_parameter(x: Any) -> Any:
        return x

    with pytest.raises(ParameterBindError, match=r"one_parameter\(x"):
        one_parameter(*args, **kwargs)
    with pytest.raises(TypeError):
        one_parameter(*args, return_state=True, **kwargs)


def test_all_kinds_of_parameters_arrive_where_they_belong() -> None:
    def everything(a: Any, /, b: Any, *rest: Any, c: Any, d: Any = 4, **others: Any) -> Any:
        return a, b, rest, c, d, others

    expected = (1, 2, (3, 3), 5, 4, {"e": 6})
    assert task(everything)(1, 2, 3, 3, c=5, e=6) == expected
    assert flow(everything)(1, 2, 3, 3, c=5, e=6) == expected


def test_variable_parameters_are_coerced_one_by_one() -> None:
    @flow
    def typed(*numbers: int, **more: int) -> Any:
        return numbers, more

    given: Any = "2"
    assert typed(1, given, x=given) == ((1, 2), {"x": 2})


def test_a_value_of_a_class_of_ones_own_is_passed_as_the_same_object() -> None:
    class Own:
        pass

    @flow
    def typed(own: Own) -> Any:
        return own

    own = Own()
    assert typed(own) is own


def test_a_dataclass_as_a_hint_accepts_a_dict() -> None:
    @dataclasses.dataclass
    class Place:
        x: int

    @flow
    def typed(place: Place) -> Any:
        return place

    given: Any = {"x": "4"}
    assert typed(given) == Place(4)


@pytest.mark.parametrize("name", ["return_state", "wait_for"])
@pytest.mark.parametrize("make", [flow, task])
def test_a_parameter_whose_name_calls_use_themselves_is_refused(make: Any, name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def function({name}): ...", namespace)

    with pytest.raises(DefinitionError, match=f"parameter named '{name}'"):
        make(namespace["function"])


@pytest.mark.parametrize("make", [flow, task])
@pytest.mark.parametrize("wrong", [3, "text", int])
def test_only_functions_can_be_decorated(make: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match="decorates functions"):
        make(wrong)


@pytest.mark.parametrize("make", [flow, task])
def test_an_unknown_option_is_named_with_its_nearest(make: Any) -> None:
    with pytest.raises(TypeError, match=r"'retrys'.*retries"):
        make(retrys=3)(lambda: 1)


def test_a_storage_key_on_a_flow_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="result_storage_key"):
        flow(result_storage_key="x")(lambda: 1)  # type: ignore[call-overload]


def test_the_parameters_of_a_flow_run_are_in_the_database(known: Any) -> None:
    import json

    @flow
    def takes(a: int, b: Any, c: str = "default") -> Any:
        return a, b, c

    takes(1, object)

    shown = json.loads(known.flow_run("takes").parameters)
    assert shown == {"a": 1, "b": "<class 'object'>", "c": "default"}


class Silent:
    def __repr__(self) -> str:
        raise ValueError("no repr")


LARGE_VALUES = [[1] * 1_000_000, "x" * 1_000_000, b"x" * 1_000_000, 10**5_000, {"a": [Silent()] * 10_000}, Silent()]


@pytest.mark.parametrize("value", LARGE_VALUES, ids=["list", "text", "bytes", "integer", "nested", "without-repr"])
def test_a_message_shows_little_of_a_value_that_does_not_fit(value: Any) -> None:
    @flow
    def typed(x: date) -> Any:
        return x

    with pytest.raises(ParameterTypeError, match="x=") as raised:
        typed(value)
    assert len(str(raised.value)) < 1_000
