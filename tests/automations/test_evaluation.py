"""What follows from events and from the time, without a database."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perdure._automations.definition import AutomationDefinition
from perdure._automations.evaluation import Decision, Memory, Seen, mismatch, next_look, on_event, on_time
from perdure._platform.clock import from_datetime

S = 1_000_000
NOON = from_datetime(datetime(2026, 5, 1, 12, tzinfo=UTC))


def said(actions: Any = ({"do": "notify"},), **options: Any) -> AutomationDefinition:
    trigger = {name: options.pop(name) for name in list(options) if name not in ("debounce", "rate_limit")}
    kind = "absence" if {"by", "after"} & set(trigger) else "event"
    return AutomationDefinition.model_validate(
        {"trigger": {"type": kind, "expect": "order.shipped", **trigger}, "actions": actions, **options}
    )


class Trial:
    """An automation that sees events, and the time."""

    def __init__(self, *chain: str, since: int = NOON, **options: Any) -> None:
        self.said = said(**options)
        self.memory: Memory = {}
        self.chain = chain
        self.since = since
        self.number = 0
        on_time(self.said, self.memory, since, since, since)

    def sees(self, at: float = 0, kind: str = "order.shipped", **content: Any) -> str | None:
        self.number += 1
        event = Seen(f"e{self.number}", NOON + int(at * S), kind, {"kind": kind, **content})
        decision = on_event(self.said, "alarm", self.memory, event, lambda: self.chain, event.time)
        return None if decision is None else decision.outcome

    def at(self, seconds: float) -> list[Decision]:
        now = NOON + int(seconds * S)
        return on_time(self.said, self.memory, self.since, now, now)

    def outcomes(self, seconds: float) -> list[str]:
        return [each.outcome for each in self.at(seconds)]


def test_it_acts_on_events_of_its_kind_that_match() -> None:
    trial = Trial(match={"payload.customer": ["tea", "coffee*"]})
    assert trial.sees(payload={"customer": "coffee house"}) == "acts"
    assert trial.sees(payload={"customer": "tea house"}) == "ignored"
    assert trial.sees(payload={}) == "ignored"
    assert trial.sees(kind="order.returned", payload={"customer": "tea"}) is None


@pytest.mark.parametrize(
    ("wanted", "content", "fits"),
    [
        ({"run.tags": "prod"}, {"run": {"tags": ["a", "prod"]}}, True),
        ({"run.tags": "prod"}, {"run": {"tags": ["a"]}}, False),
        ({"payload.boxes": "3"}, {"payload": {"boxes": 3}}, True),
        ({"payload.paid": "true"}, {"payload": {"paid": True}}, True),
        ({"payload.paid": "null"}, {"payload": {"paid": None}}, True),
        ({"payload.paid": "*"}, {"payload": {}}, False),
        ({"resource.perdure.resource.id": "order.*"}, {"resource": {"perdure.resource.id": "order.1"}}, True),
    ],
)
def test_fields_match_texts(wanted: dict[str, str], content: dict[str, Any], fits: bool) -> None:
    patterns = {path: (text,) for path, text in wanted.items()}
    assert (mismatch(patterns, content) is None) == fits


def test_a_deployment_and_a_flow_are_meant_by_name() -> None:
    trial = Trial(expect="flow-run.completed", deployment="report/nightly")
    assert trial.sees(kind="flow-run.completed", run={"deployment": "report/nightly"}) == "acts"
    assert trial.sees(kind="flow-run.completed", run={"deployment": None}) == "ignored"


def test_a_threshold_counts_within_its_time_and_then_from_nothing() -> None:
    trial = Trial(threshold=3, within=10)
    assert [trial.sees(at) for at in (0, 11, 12, 13, 14, 15)] == ["waits", "waits", "waits", "acts", "waits", "waits"]


def test_values_are_counted_apart() -> None:
    trial = Trial(threshold=2, within=10, for_each="payload.day")
    assert [trial.sees(0, payload={"day": day}) for day in "abab"] == ["waits", "waits", "acts", "acts"]


def test_it_waits_for_quiet_and_acts_once() -> None:
    trial = Trial(debounce=5)
    assert [trial.sees(at) for at in (0, 1, 4)] == ["waits"] * 3
    assert trial.outcomes(8.9) == []
    (decision,) = trial.at(9)
    assert (decision.outcome, decision.event_id) == ("acts", "e3")
    assert trial.outcomes(100) == []


def test_it_acts_no_more_often_than_it_may() -> None:
    trial = Trial(rate_limit={"count": 2, "seconds": 60})
    assert [trial.sees(at) for at in (0, 1, 2, 60.5, 60.7, 61.5)] == [
        *("acts", "acts", "limited", "acts", "limited", "acts")
    ]


def test_it_does_not_act_on_what_it_led_to_itself() -> None:
    assert Trial("other", "alarm", "third").sees() == "loop"
    assert Trial("other").sees() == "acts"


def test_an_event_that_does_not_come_after_another_one_is_absent() -> None:
    trial = Trial(expect="flow-run.completed", after="flow-run.running", within=60, for_each="run.id")
    for run in "abc":
        assert trial.sees(0, "flow-run.running", run={"id": run}) == "waits"
    trial.sees(30, "flow-run.completed", run={"id": "a"})
    assert trial.outcomes(59) == []
    trial.sees(61, "flow-run.completed", run={"id": "b"})  # too late
    decisions = trial.at(62)
    assert [(each.outcome, each.event_id) for each in decisions] == [("acts", "e2"), ("acts", "e3")]
    assert trial.outcomes(1_000) == []


HOURLY: dict[str, Any] = {"by": "0 * * * *"}


def test_by_each_time_one_is_to_have_come_since_the_time_before() -> None:
    trial = Trial(since=NOON, **HOURLY)
    trial.sees(60)
    assert trial.outcomes(3_599) == []
    assert trial.outcomes(3_600) == []  # it came
    assert trial.outcomes(7_200) == ["acts"]
    trial.sees(7_201)
    assert trial.outcomes(10_801) == []


def test_an_event_of_after_the_time_counts_for_the_next_one() -> None:
    trial = Trial(since=NOON, **HOURLY)
    trial.sees(3_601)  # seen before the time was looked at
    assert trial.outcomes(3_605) == ["acts"]
    assert trial.outcomes(7_205) == []


def test_within_so_many_seconds_before_the_time() -> None:
    trial = Trial(since=NOON, within=600, **HOURLY)
    trial.sees(60)
    assert trial.outcomes(3_600) == ["acts"]


def test_a_time_is_not_judged_by_half_of_its_events() -> None:
    trial = Trial(since=NOON + 60 * S, **HOURLY)
    assert trial.outcomes(3_600) == ["waits"]
    assert trial.outcomes(7_200) == ["acts"]


def test_times_that_nobody_looked_at_are_counted_and_the_last_one_is_judged() -> None:
    trial = Trial(since=NOON, **HOURLY)
    trial.sees(3 * 3_600 + 60)
    decisions = trial.at(4 * 3_600 + 1)
    assert [each.outcome for each in decisions] == ["missed"]
    assert "3 times passed" in decisions[0].reason
    assert next_look(trial.said, trial.memory, trial.since) == NOON + 5 * 3_600 * S


def test_what_only_waits_for_events_is_never_due() -> None:
    trial = Trial()
    assert next_look(trial.said, trial.memory, trial.since) is None


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"threshold": 2}, "within"),
        ({"within": 2}, "threshold"),
        ({"by": "0 * * * *", "after": "a"}, "either by"),
        ({"by": "61 * * * *"}, "61"),
        ({"by": "0 * * * *", "for_each": "run.id"}, "for_each"),
        ({"after": "a"}, "within"),
        ({"expect": "flow run"}, "no kind of event"),
        ({"match": {"a b": "x"}}, "no field of an event"),
        ({"actions": []}, "at least 1"),
        ({"actions": [{"do": "pause"}]}, "name one of"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_is_wrong_is_refused_with_the_rule(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        said(**options)


@given(st.lists(st.tuples(st.floats(0, 500), st.sampled_from("ab")), max_size=30))
def test_debounced_events_are_acted_on_once_for_each_quiet(arrivals: list[tuple[float, str]]) -> None:
    trial, acts = Trial(debounce=20, for_each="payload.k"), 0
    for at, key in sorted(arrivals):
        acts += len(trial.at(at))
        trial.sees(at, payload={"k": key})
    acts += len(trial.at(1_000))
    times = [sorted(int(at * S) for at, key in arrivals if key == each) for each in "ab"]
    quiet = [sum(other - one >= 20 * S for one, other in pairwise(each)) for each in times]
    assert acts == sum(gaps + bool(each) for gaps, each in zip(quiet, times, strict=True))
