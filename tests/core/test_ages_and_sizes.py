"""Ages and sizes as people write them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure._platform.ages_and_sizes import parse_age, parse_size, time_ago


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


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_age, "60000w"), (parse_age, "9" * 400 + "d"), (parse_size, "8388608TiB"), (parse_size, "9" * 400)],
)
def test_more_than_a_database_can_count_is_refused(parse: Callable[[str], int], text: str):
    with pytest.raises(ValueError, match=r"is no (age: it is longer|size: it is 8 EiB)"):
        parse(text)


def test_nothing_is_older_than_1970():
    assert (time_ago("1d", now=86_400_000_000), time_ago("500 weeks", now=1)) == (0, 0)


@given(st.text(), st.integers(0, 400))
def test_any_text_is_an_amount_or_refused(text: str, digits: int):
    text = "9" * digits + text
    for parse in (parse_age, parse_size):
        try:
            assert parse(text) >= 0
        except ValueError as error:
            assert repr(text[:40]) in str(error)  # noqa: PT017
