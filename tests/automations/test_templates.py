"""Templates of actions: what an event brings is filled in once, and never read as a template itself."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure._automations.templates import MISSING, filled_from, looked_up
from perdure.errors import AutomationError

NAMES = st.text(st.characters(exclude_characters="{}.", exclude_categories=["Z", "C"]), min_size=1, max_size=8)
TEXTS = st.text(max_size=30) | st.sampled_from(["{event.kind}", "{partition}", "{{event.kind}}", "{0.__class__}"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=4) | st.dictionaries(NAMES, each, max_size=4), max_leaves=15
)


@pytest.mark.slow
@given(name=NAMES, value=VALUES)
def test_a_text_that_is_only_a_template_becomes_the_field_as_it_is(name: str, value: Any) -> None:
    event = {"kind": "a.b", "payload": {name: value}}
    assert filled_from({"x": [f"{{event.payload.{name}}}"]}, event) == {"x": [value]}


@given(name=NAMES, value=VALUES, before=TEXTS.filter(lambda text: "{event." not in text))
def test_what_is_filled_in_is_not_filled_in_again(name: str, value: Any, before: str) -> None:
    event = {"kind": "a.b", "payload": {name: value}}
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    assert filled_from(f"{before} {{event.payload.{name}}}!", event) == f"{before} {shown}!"


@given(VALUES)
def test_what_has_no_template_stays_as_it_is(value: Any) -> None:
    if "{event." not in json.dumps(value):
        assert filled_from(value, {}) == value


@given(st.lists(NAMES, min_size=1, max_size=5), VALUES)
def test_names_that_hold_points_are_found(names: list[str], value: Any) -> None:
    joined = ".".join(names)
    assert looked_up({"resource": {joined: value}}, f"resource.{joined}") == value


def test_items_of_lists_are_found_by_their_number() -> None:
    event = {"related": [{"perdure.resource.id": "a"}, {"perdure.resource.id": "b"}]}
    assert looked_up(event, "related.1.perdure.resource.id") == "b"
    assert looked_up(event, "related.2") is MISSING
    assert looked_up(event, "related.-1") is MISSING


def test_a_field_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(AutomationError, match=r"'a\.b' has no 'payload\.path'.*payload\.file"):
        filled_from("{event.payload.path}", {"kind": "a.b", "payload": {"file": 1}})
