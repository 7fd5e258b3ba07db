"""Finding futures and states inside arguments, and putting values in their place."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from perdure import allow_failure, quote, unmapped
from perdure._run.arguments import replace_upstreams, upstreams_in
from perdure._run.pending import Pending

few = settings(max_examples=30, deadline=None)  # a busy machine is slow, not wrong

atoms = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)
numbers = st.integers(min_value=0, max_value=20)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        ),
        max_leaves=15,
    )


class Place:
    """Stands in a nested value for where a future goes."""

    def __init__(self, number: int) -> None:
        self.number = number


def filled(value: Any, fill: Any) -> Any:
    """The same nested value, plainly rebuilt, with something in each place."""
    if isinstance(value, Place):
        return fill(value.number)
    if isinstance(value, list | tuple):
        return type(value)(filled(each, fill) for each in value)
    if isinstance(value, dict):
        return {key: filled(each, fill) for key, each in value.items()}
    return value


with_places = nested(atoms | numbers.map(Place))


@few
@given(with_places)
def test_each_future_is_replaced_and_all_else_stays_equal(value: Any) -> None:
    given_value = filled(value, lambda number: Pending(f"run {number}"))

    replaced = replace_upstreams(given_value, lambda upstream, _: upstream.task_run_id)  # type: ignore[union-attr]

    assert replaced == filled(value, lambda number: f"run {number}")


@few
@given(with_places)
def test_each_future_is_found_in_order(value: Any) -> None:
    order: list[Pending] = []

    def note(number: int) -> Pending:
        order.append(Pending(f"run {number}"))
        return order[-1]

    given_value = filled(value, note)

    assert (upstreams_in([given_value]) or []) == order


@few
@given(nested(atoms))
def test_a_value_without_futures_is_the_same_object(value: Any) -> None:
    assert replace_upstreams(value, lambda *_: None) is value
    assert upstreams_in([value]) is None


@few
@given(with_places)
def test_the_given_value_is_never_changed(value: Any) -> None:
    runs = [Pending(str(number)) for number in range(21)]
    given_value, before = filled(value, runs.__getitem__), filled(value, runs.__getitem__)

    replace_upstreams(given_value, lambda *_: 0)

    assert given_value == before


@few
@given(with_places)
def test_a_quoted_value_is_passed_as_it_is(value: Any) -> None:
    given_value = filled(value, lambda number: Pending(f"run {number}"))

    assert replace_upstreams(quote(given_value), lambda *_: None) is given_value
    assert upstreams_in([quote(given_value)]) == []


@few
@given(with_places)
def test_allow_failure_reaches_every_future_inside(value: Any) -> None:
    allowed: list[bool] = []

    replace_upstreams(
        allow_failure([filled(value, lambda number: Pending(str(number)))]), lambda _, allow: allowed.append(allow)
    )

    assert all(allowed)


@few
@given(nested(atoms))
def test_marks_are_taken_off_at_any_depth(value: Any) -> None:
    assert replace_upstreams([{"a": (unmapped(value),)}], lambda *_: None) == [{"a": (value,)}]
