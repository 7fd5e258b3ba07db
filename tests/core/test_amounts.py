"""Ages and sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure._platform.amounts import parse_age, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5h", 5_400), ("30 days", 2_592_000), ("2W", 1_209_600), ("0d", 0)]
)
def test_an_age_is_a_number_with_a_unit_of_time(text: str, seconds: int):
    assert parse_age(text) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "1d2h", "nan d", "٣d"])
def test_what_is_no_age_is_refused_with_an_example(text: str):
    with pytest.raises(ValueError, match="is no age. .*'30d'"):
        parse_age(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("500", 500), ("500 B", 500), ("1k", 1024), ("10MiB", 10 << 20), ("10MB", 10_000_000), ("1.5gib", 3 << 29)],
)
def test_a_size_counts_bytes_by_1024_unless_its_unit_is_decimal(text: str, size: int):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "10 parsecs", "-5", "5ib", "1e3"])
def test_what_is_no_size_is_refused_with_an_example(text: str):
    with pytest.raises(ValueError, match="is no size. .*'10MiB'"):
        parse_size(text)


@given(st.text())
def test_any_text_is_an_amount_or_refused(text: str):
    for parse in (parse_age, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert repr(text) in str(error)  # noqa: PT017
