import asyncio
from datetime import date
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import VariableError, VariableExists
from perdure.variables import Variable

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.slow
@given(JSON)
def test_a_value_of_jsons_types_comes_back_as_it_was(value: Any):
    Variable.set("value", value, overwrite=True)
    assert Variable.get("value") == value


def test_a_variable_that_is_not_there_is_the_default():
    assert Variable.get("missing") is None
    assert Variable.get("missing", 5) == 5


def test_a_variable_is_not_overwritten_by_accident():
    Variable.set("limit", 1)
    with pytest.raises(VariableExists, match="Pass overwrite=True"):
        Variable.set("limit", 2)
    Variable.set("limit", 3, overwrite=True)
    assert Variable.get("limit") == 3


def test_of_several_that_set_a_new_variable_one_has_it():
    refused = []

    def set_it(value: int) -> None:
        try:
            Variable.set("turn", value)
        except VariableExists:
            refused.append(value)

    threads = [Thread(target=set_it, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted([*refused, Variable.get("turn")]) == [0, 1, 2, 3]


def test_a_value_is_checked_and_made_as_its_type_says():
    Variable.set("since", "2026-01-02")
    assert Variable.get("since", type=date) == date(2026, 1, 2)
    with pytest.raises(VariableError, match="does not fit"):
        Variable.get("since", type=int)


def test_a_deleted_variable_is_gone():
    Variable.set("gone", [])
    assert Variable.delete("gone")
    assert not Variable.delete("gone")
    assert Variable.get("gone") is None


@pytest.mark.parametrize("value", [(1, 2), {1: 2}, {1}, float("nan"), object(), "x" * 2**16])
def test_what_json_would_change_or_is_too_large_is_refused(value: Any):
    with pytest.raises(VariableError, match="The value of variable 'value'"):
        Variable.set("value", value)


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a" * 256, "a/b", None])
def test_a_malformed_name_is_refused(name: Any):
    for call in (Variable.get, Variable.delete, lambda each: Variable.set(each, 1)):
        with pytest.raises(VariableError, match="cannot be a variable's name"):
            call(name)


def test_coroutines_have_variables_without_blocking_their_loop():
    async def use() -> tuple[object, bool]:
        await Variable.aset("a", {"b": 1})
        return await Variable.aget("a"), await Variable.adelete("a")

    assert asyncio.run(use()) == ({"b": 1}, True)


def test_a_name_may_have_what_prefects_may():
    for name in ("_a", "a" * 255):
        Variable.set(name, 1)
        assert Variable.get(name) == 1
