from contextlib import suppress
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.errors import ObjectMissing
from perdure.filesystems import LocalFileSystem

# No key is a folder of another.
KEYS = ("a", "b/c", "b/d/e", "b/d/f", "g")
STEPS = st.lists(st.tuples(st.sampled_from(KEYS), st.none() | st.binary(max_size=9)), max_size=12)


@pytest.mark.slow
@given(STEPS)
def test_writing_and_deleting_in_any_order_comes_to_what_a_dictionary_holds(
    steps: list[tuple[str, bytes | None]],
) -> None:
    held: dict[str, bytes] = {}
    with TemporaryDirectory() as base:
        storage = LocalFileSystem(base)
        for key, data in steps:  # None: delete
            if data is None:
                storage.delete(key)
                held.pop(key, None)
            else:
                storage.write(key, data)
                held[key] = data
        found = {}
        for key in KEYS:
            with suppress(ObjectMissing):
                found[key] = storage.read(key)
        assert found == held
        assert set(storage.list()) == held.keys() == {key for key in KEYS if storage.exists(key)}
