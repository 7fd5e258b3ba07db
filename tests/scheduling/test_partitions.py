from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure._scheduling.partitions import partitions_of
from perdure.errors import InvalidPartition
from perdure.partitions import daily, hourly, monthly, product, static, weekly

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
OSLO = ZoneInfo("Europe/Oslo")

of_time = st.one_of(
    st.just(hourly("2025-05-20")),
    *(
        st.builds(make, st.just("2024-02-10"), st.sampled_from(["UTC", "Europe/Oslo", "America/Havana", "Asia/Beirut"]))
        for make in (daily, weekly, monthly)
    ),
)
moments = st.datetimes(datetime(2024, 2, 1), datetime(2025, 6, 1), timezones=st.just(UTC))


@settings(max_examples=40)
@given(of_time, moments)
def test_partitions_of_time_follow_one_another_without_gap_or_overlap(partitions, now):
    for one, other in pairwise(partitions.until(now)):
        assert one.end == other.start
        assert one.start < one.end


@settings(max_examples=40)
@given(of_time, moments)
def test_none_is_there_before_it_is_over_and_the_newest_is_the_last_one(partitions, now):
    every = list(partitions.until(now))
    assert all(each.end <= now for each in every)
    assert partitions.newest(now) == every[-1:]


@settings(max_examples=40)
@given(of_time, moments)
def test_a_key_names_one_partition(partitions, now):
    every = list(partitions.until(now))
    assert len({each.key for each in every}) == len(every)
    assert [partitions.partition(each.key) for each in every] == every


@settings(max_examples=40)
@given(of_time, moments, st.data())
def test_a_range_holds_both_its_ends(partitions, now, data):
    keys = [each.key for each in partitions.until(now)]
    if not keys:
        return
    first = data.draw(st.integers(0, len(keys) - 1))
    last = data.draw(st.integers(first, len(keys) - 1))
    assert [each.key for each in partitions.until(now, keys[first], keys[last])] == keys[first : last + 1]


@pytest.mark.parametrize(
    "partitions",
    [
        hourly("2024-03-30"),
        daily("2024-01-01", "Europe/Oslo"),
        static("no", "se"),
        product(monthly("2024-01-01"), static("a", "b")),
    ],
)
def test_partitions_are_kept_as_json_and_read_again(partitions):
    assert partitions_of(partitions.as_json()) == partitions


def test_a_day_is_one_by_clocks_in_its_zone():
    day = daily("2024-01-01", "Europe/Oslo").partition("2024-03-31")
    assert (day.start, day.end) == (datetime(2024, 3, 31, tzinfo=OSLO), datetime(2024, 4, 1, tzinfo=OSLO))
    assert day.end.astimezone(UTC) - day.start.astimezone(UTC) == timedelta(hours=23)


def test_a_week_begins_on_monday_and_is_named_by_it():
    assert [each.key for each in weekly("2026-04-15").until(NOW)] == ["2026-04-13", "2026-04-20", "2026-04-27"]


def test_of_two_dimensions_every_pair_is_one():
    both = product(daily("2026-05-02"), static("no", "se"))
    assert [each.key for each in both.until(NOW)] == [
        "2026-05-02|no",
        "2026-05-02|se",
        "2026-05-03|no",
        "2026-05-03|se",
    ]
    assert both.partition("2026-05-03|se").parts == ("2026-05-03", "se")
    assert [each.key for each in both.until(NOW, "2026-05-03")] == ["2026-05-03|no", "2026-05-03|se"]


@pytest.mark.parametrize(
    ("partitions", "key"),
    [
        (daily("2024-01-01"), "2024-02-30"),
        (daily("2024-01-01"), "2023-12-31"),
        (daily("2024-01-01"), "2024-1-5"),
        (weekly("2024-01-01"), "2024-01-02"),
        (monthly("2024-01-01"), "2024-01-01"),
        (static("no", "se"), "dk"),
        (product(daily("2024-01-01"), static("no")), "2024-01-01"),
    ],
)
def test_a_key_that_names_none_is_refused(partitions, key):
    with pytest.raises(InvalidPartition, match="There is no partition"):
        partitions.partition(key)


@pytest.mark.parametrize("keys", [(), ("",), ("a", "a"), ("a|b",)])
def test_keys_that_a_list_cannot_have_are_refused(keys):
    with pytest.raises(InvalidPartition):
        static(*keys)


def test_ten_thousand_partitions_are_listed_at_once():
    assert sum(1 for _ in daily("1998-01-01", "Europe/Oslo").until(datetime(2026, 1, 1, tzinfo=UTC))) == 10_227
