from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure._scheduling.schedule import MOST_AT_ONCE, schedule_of
from perdure.errors import InvalidSchedule
from perdure.schedules import Cron, Interval, RRule, Schedule

START = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

crons = st.builds(
    lambda minute, hour, zone: Cron(f"{minute} {hour} * * *", zone),
    st.sampled_from(["*", "*/7", "0", "5,35", "10-20/5"]),
    st.sampled_from(["*", "*/3", "6", "0,12", "22-23"]),
    st.sampled_from(["UTC", "Europe/Oslo", "America/New_York", "Asia/Kathmandu"]),
)
intervals = st.builds(
    lambda seconds, zone: Interval(seconds, timezone=zone),
    st.sampled_from([60, 3_600, 5_400, 86_400, 7 * 86_400]),
    st.sampled_from(["UTC", "Pacific/Apia", "Africa/Casablanca"]),
)
rrules = st.builds(
    lambda rule, zone: RRule(rule, timezone=zone),
    st.sampled_from(
        [
            "FREQ=HOURLY;INTERVAL=5",
            "FREQ=DAILY;BYHOUR=2;BYMINUTE=30",
            "FREQ=MONTHLY;BYDAY=-1FR",
            "FREQ=WEEKLY;INTERVAL=2",
        ]
    ),
    st.sampled_from(["UTC", "Europe/London"]),
)
schedules = st.one_of(crons, intervals, rrules)
moments = st.datetimes(datetime(2021, 1, 1), datetime(2039, 1, 1), timezones=st.just(UTC))


@given(schedules, moments)
def test_ticks_rise_and_are_later_than_asked_for(schedule, moment):
    ticks = schedule.upcoming(20, moment)
    assert all(tick > moment for tick in ticks)
    assert all(tick < later for tick, later in pairwise(ticks))


@given(schedules, moments)
def test_ticks_do_not_depend_on_where_one_begins_to_look(schedule, moment):
    ticks = schedule.upcoming(12, moment)
    for number, tick in enumerate(ticks[:-1]):
        assert schedule.upcoming(1, tick) == [ticks[number + 1]]


@pytest.mark.slow
@given(schedules, moments, st.lists(st.integers(1, 5_000), min_size=1, max_size=8))
def test_looking_often_or_seldom_makes_each_tick_once(schedule, moment, waits):
    all_of_them = Schedule(rule=schedule.rule, slug="all", catchup="all", catchup_window=timedelta(days=365))
    seen, now, made = moment, moment, []
    for wait in waits:
        now += timedelta(minutes=wait)
        while (due := all_of_them.due(seen, now)).ticks:
            made += due.ticks
            seen = due.seen
    assert made == list(schedule.ticks(moment, now))


@given(schedules, moments)
def test_a_schedule_is_kept_as_json_and_read_again(schedule, moment):
    again = schedule_of(schedule.as_json())
    assert again == schedule
    assert again.upcoming(3, moment) == schedule.upcoming(3, moment)


def test_all_options_are_kept_as_json():
    schedule = Cron(
        "0 6 * * 1-5", "Europe/Oslo", slug="weekdays", parameters={"day": "today"}, jitter=_MINUTE, catchup="all",
        catchup_window=_DAY, start=START, end=START + 30 * _DAY, exclude=frozenset({date(2026, 5, 17)}), paused=True,
    )  # fmt: skip
    assert schedule_of(schedule.as_json()) == schedule


def test_a_missed_tick_within_the_window_is_made_once_the_latest_one_only():
    due = Interval(600, slug="often").due(START, START + 55 * _MINUTE)
    assert due.ticks == [START + 50 * _MINUTE]
    assert due.missed == (4, START + 10 * _MINUTE, START + 40 * _MINUTE)
    assert due.seen == START + 50 * _MINUTE


def test_all_missed_ticks_within_the_window_are_made():
    due = Interval(600, catchup="all", catchup_window=timedelta(minutes=30)).due(START, START + 55 * _MINUTE)
    assert due.ticks == [START + minutes * _MINUTE for minutes in (30, 40, 50)]
    assert due.missed == (2, START + 10 * _MINUTE, START + 20 * _MINUTE)


def test_none_of_the_missed_ticks_is_made():
    due = Interval(600, catchup="none").due(START, START + 55 * _MINUTE)
    assert due.ticks == []
    assert due.missed == (5, START + 10 * _MINUTE, START + 50 * _MINUTE)


def test_a_tick_that_is_on_time_stands_for_those_that_were_missed():
    due = Interval(600).due(START, START + 20 * _MINUTE + timedelta(seconds=1))
    assert due.ticks == [START + 20 * _MINUTE]
    assert due.missed == (1, START + 10 * _MINUTE, START + 10 * _MINUTE)


def test_a_paused_schedule_passes_its_ticks_over_and_misses_none():
    due = Interval(600, paused=True).due(START, START + _HOUR)
    assert (due.ticks, due.missed, due.seen) == ([], None, START + _HOUR)


def test_one_look_makes_a_bounded_number_and_the_next_ones_the_rest():
    schedule = Interval(1, catchup="all", catchup_window=_DAY)
    first = schedule.due(START, START + 5 * _HOUR)
    assert len(first.ticks) == MOST_AT_ONCE
    assert schedule.due(first.seen, START + 5 * _HOUR).ticks[0] == first.ticks[-1] + timedelta(seconds=1)


@given(moments)
def test_jitter_is_the_same_for_a_tick_whoever_looks_and_below_its_bound(moment):
    schedule = Cron("0 * * * *", slug="spread", jitter=10 * _MINUTE)
    (tick,) = schedule.upcoming(1, moment)
    delay = schedule.due_at(tick) - tick
    assert timedelta(0) <= delay < 10 * _MINUTE
    assert schedule.due(tick - _MINUTE, tick + delay - timedelta(microseconds=1)).ticks == []
    assert schedule.due(tick - _MINUTE, tick + delay).ticks == [tick]


def test_an_excluded_day_is_one_by_clocks_in_the_zone():
    schedule = Cron("30 0 * * *", "Europe/Oslo", exclude=frozenset({date(2026, 5, 17)}))
    days = [tick.astimezone(UTC).day for tick in schedule.upcoming(3, datetime(2026, 5, 15, 12, tzinfo=UTC))]
    assert days == [15, 17, 18]  # half past midnight in Oslo is the day before in UTC


def test_no_tick_is_before_the_start_or_after_the_end():
    schedule = Interval(3_600, start=START, end=START + 3 * _HOUR)
    assert list(schedule.ticks(START - _DAY)) == [START + minutes * _MINUTE for minutes in (30, 90, 150)]


def test_a_restart_changes_nothing_for_an_interval_without_an_anchor():
    assert Interval(600).upcoming(3, START) == Interval(600).upcoming(3, START + timedelta(seconds=90))


def test_a_recurrence_rule_with_an_old_start_is_looked_up_near_the_moment():
    rule = RRule("FREQ=MINUTELY;INTERVAL=5", start=datetime(1990, 1, 1, 0, 2))
    assert rule.upcoming(2, START) == [START + 2 * _MINUTE, START + 7 * _MINUTE]


def test_a_recurrence_rule_counts_from_its_start():
    rule = RRule("FREQ=DAILY;COUNT=3", start=datetime(2026, 5, 3, 8))
    assert [tick.day for tick in rule.ticks(datetime(2026, 1, 1, tzinfo=UTC))] == [3, 4, 5]


def test_days_that_a_recurrence_rule_excludes_are_left_out():
    rule = RRule("RRULE:FREQ=DAILY;BYHOUR=6\nEXDATE:20260506T060000", start=datetime(2026, 5, 1, 6))
    assert [tick.day for tick in rule.upcoming(3, START)] == [5, 7, 8]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Cron("61 * * * *"), "bad minute"),
        (lambda: Cron("0 6 * *"), "wrong number of fields"),
        (lambda: Cron("0 0 30 2 *"), "bad day-of-month"),
        (lambda: Cron("0 6 * * *", "Europe/Olso"), "no time zone named 'Europe/Olso'"),
        (lambda: Cron("0 6 * * *", slug="Every Day"), "slug"),
        (lambda: Cron("0 6 * * *", catchup="some"), "latest, all, none"),
        (lambda: Cron("0 6 * * *", start=datetime(2026, 1, 1)), "time zone"),
        (lambda: Cron("0 6 * * *", jitter=-1), "not negative"),
        (lambda: Cron("0 6 * * *", jitter="5m"), "jitter= is a timedelta"),
        (lambda: Cron("0 6 * * *", catchup_window=float("inf")), "no number of seconds"),
        (lambda: Cron("0 6 * * *", exclude="2026-05-06"), "collection of days"),
        (lambda: Cron("0 6 * * *", exclude=[datetime(2026, 5, 6)]), "no day"),
        (lambda: Cron("0 6 * * *", exclude=["Christmas"]), "no day"),
        (lambda: Interval("5m"), "interval= is a timedelta"),
        (lambda: Interval(0.5), "whole seconds"),
        (lambda: RRule("FREQ=SECONDLY"), "by seconds"),
        (lambda: RRule("FREQ=DAILY;COUNT=20000"), "10,000"),
        (lambda: RRule("EVERY DAY"), "cannot be read"),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_reason(make, says):
    with pytest.raises(InvalidSchedule, match=says):
        make()


def test_days_that_are_written_as_text_are_left_out():
    assert Cron("0 6 * * *", exclude=["2026-05-06"]) == Cron("0 6 * * *", exclude=[date(2026, 5, 6)])


def test_jitter_and_window_may_be_numbers_of_seconds():
    assert Cron("0 6 * * *", jitter=60, catchup_window=90.5) == Cron(
        "0 6 * * *", jitter=timedelta(minutes=1), catchup_window=timedelta(seconds=90.5)
    )


def test_aliases_mean_their_expressions():
    assert Cron("@daily").upcoming(3, START) == Cron("0 0 * * *").upcoming(3, START)
    assert Cron("@hourly").upcoming(3, START) == Cron("0 * * * *").upcoming(3, START)


def test_a_tick_is_never_in_the_past_within_an_hour_that_comes_twice():
    inside = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # the second of Oslo's two half past two is at 01:30
    assert Cron("30 2 * * *", "Europe/Oslo").upcoming(1, inside) == [datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]
