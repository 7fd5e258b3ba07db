"""With an allow-list, a pickle that would take memory out of proportion is refused before it is loaded."""

import pickle
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import settings
from perdure._serializers.pickle_sizes import check_sizes
from perdure._serializers.text import to_base64
from perdure.errors import ResultCorrupt
from perdure.serializers import PickleSerializer

BOMBS = {
    "a far place of the memo": b"\x80\x04Nr\xff\xff\xff\x3f.",
    "a far place, as text": b"Np1000000000\n.",
    "a place of very many digits": b"Np" + b"9" * 10_000 + b"\n.",
    "many bytes announced": b"\x80\x05\x8e\xff\xff\xff\x3f\x00\x00\x00\x00abc.",
    "a long array announced": b"\x80\x05\x96\xff\xff\xff\x3f\x00\x00\x00\x00abc.",
    "a long number announced": b"\x80\x02\x8b\xff\xff\xff\x3fabc.",
    "no end": b"\x80\x04NNN",
    "an unknown step": b"\x80\x04N\xff.",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_short_pickle_does_not_take_much_memory(bomb: str) -> None:
    with settings.temporary_settings(results_allowed_classes="myapp.models.*"):
        tracemalloc.start()
        try:
            with pytest.raises(ResultCorrupt):
                PickleSerializer().loads(to_base64(BOMBS[bomb]))
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=300)
    | st.dates(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.slow
@given(VALUES, st.sampled_from([0, 1, 2, 3, 4, 5]), st.integers(1, 400))
@hypothesis_settings(max_examples=100, deadline=None)
def test_every_honest_pickle_passes(value: Any, protocol: int, times: int) -> None:
    data = pickle.dumps([value] * times, protocol)
    check_sizes(data)
    with pytest.raises(pickle.UnpicklingError):
        check_sizes(data[:-1])


@pytest.mark.slow
def test_many_values_may_be_remembered() -> None:
    check_sizes(pickle.dumps([str(each) for each in range(300_000)], 2))
