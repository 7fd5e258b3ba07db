"""Failed runs by what they failed of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure import flow, session, task
from perdure._explanation.failures import Failures, failures, normalised, steps_until
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import FailureFilter, FlowRunRecord, StateRecord
from perdure.states import StateType
from perdure.testing._sample_records import flow_run, state
from tests.server.serving import serving_on


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("order 17 of 3,000 took 1.5e+06 s", "order … of … took … s"),
        ("no row 0192f0c1-8d4e-7a31-8f0e-5d0c9a7b6e21", "no row …"),
        ("<object at 0x7f3a2c> is closed", "<object at …> is closed"),
        ("sha256 of abc is 9f86d081884c7d65", "sha256 of abc is …"),
        ("'price' is no float64 in utf8", "'price' is no float64 in utf8"),
        ("at 2026-05-01 06:30:00", "at …-…-… …"),
        ("decade of beefcafe facades", "decade of beefcafe facades"),
        ("first\nsecond 2", "first"),
    ],
)
def test_what_differs_each_time_is_left_out_of_messages(message: str, expected: str) -> None:
    assert normalised(message) == expected


@task
def parse(text: str) -> float:
    return float(text)


@flow
def reads(text: str) -> float:
    return parse(text)


@flow
def raises(order: int) -> None:
    raise LookupError(f"order {order} is unknown")


@flow
def calls() -> None:
    raises(9)


def found(**filter: Any) -> Failures:
    return failures(session.current().orchestrator, FailureFilter(**filter))


def test_runs_that_failed_of_the_same_are_one_group_with_its_flows() -> None:
    for order in range(3):
        raises(order, return_state=True)
    calls(return_state=True)
    reads("x", return_state=True)
    reads("1")
    largest, other = found().groups
    assert (largest.type, largest.message, largest.runs) == ("builtins.LookupError", "order … is unknown", 4)
    assert largest.flows == (("raises", 3), ("calls", 1))
    assert largest.newest.flow_name == "calls"
    assert largest.first < largest.last
    assert (other.type, other.runs) == ("builtins.ValueError", 1)


@flow
def reads_each(texts: list[str]) -> list[Any]:
    return [parse(text, return_state=True) for text in texts]


def test_a_flow_that_returned_failed_states_failed_of_the_first_of_them() -> None:
    reads_each(["1", "x", "y"], return_state=True)
    reads_each(["x"], return_state=True)
    reads_each(["y"], return_state=True)
    x, y = found().groups
    assert (x.type, x.message, x.runs) == ("ValueError", "could not convert string to float: 'x'", 2)
    assert (y.message, y.runs) == ("could not convert string to float: 'y'", 1)
    assert x.search is None  # the flow runs' own messages do not have it


def test_subflows_count_for_their_own_flow() -> None:
    calls(return_state=True)
    assert found().runs == 1
    (group,) = found(of="raises").groups
    assert group.newest.parent_flow_run_id is not None


def test_not_all_are_looked_at_if_there_are_more_than_the_limit() -> None:
    raises(1, return_state=True)
    assert found().is_complete
    raises(2, return_state=True)
    assert not found(limit=2).is_complete


MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        (HOUR, (2 * MINUTE, 30)),
        (DAY, (HOUR, 24)),
        (7 * DAY, (6 * HOUR, 28)),
        (30 * DAY, (DAY, 30)),
        (10_000 * DAY, (334 * DAY, 30)),
        (-DAY, (MINUTE, 1)),
    ],
)
def test_a_trend_has_at_most_thirty_steps_that_people_count_in(whole: int, expected: tuple[int, int]) -> None:
    steps = steps_until(0, whole)
    assert (steps.length, steps.number) == expected
    assert steps.begin + steps.number * steps.length == whole


def failed_at(time: int) -> tuple[FlowRunRecord, StateRecord]:
    run = flow_run()
    said = "Flow run encountered an exception. LookupError: order 7"
    return run, state(run, StateType.FAILED, said)._replace(time=time)


@pytest.mark.parametrize("has_beginning", [True, False])
def test_a_group_says_how_many_failed_when(home: Path, has_beginning: bool) -> None:
    until = 1_700_000_000_000_000 + 10 * DAY
    known = EmbeddedOrchestrator(home / "perdure.db")
    for time in (until - 9 * DAY, until - 9 * DAY + MINUTE, until - 3 * HOUR):
        known.commit(failed_at(time))
    filter = FailureFilter(after=until - 10 * DAY if has_beginning else None, before=until)
    (group,), _, _, steps = failures(known, filter)
    known.close()
    assert steps.begin + steps.number * steps.length == until
    assert {place: runs for place, runs in enumerate(group.trend) if runs} == {
        steps.place(until - 9 * DAY): 2,
        steps.place(until - 3 * HOUR): 1,
    }


@pytest.fixture
def api(home: Path) -> Iterator[httpx.Client]:
    for order in (1, 2):
        raises(order, return_state=True)
    reads("x", return_state=True)
    with serving_on(EmbeddedOrchestrator(home / "perdure.db")) as served, served.client() as client:
        yield client


def test_the_text_of_a_group_finds_its_runs(api: httpx.Client) -> None:
    largest = api.get("/api/flow-runs/failures").raise_for_status().json()["groups"][0]
    assert largest["runs"] == 2
    runs = api.get("/api/flow-runs", params={"state": "FAILED", "q": largest["search"]}).json()["items"]
    assert [run["flow_name"] for run in runs] == ["raises", "raises"]


def test_failures_are_those_of_a_flow_and_a_time(api: httpx.Client) -> None:
    (group,) = api.get("/api/flow-runs/failures", params={"flow": "reads"}).json()["groups"]
    assert group["message"].startswith("could not convert string to float")
    later = {"created_after": "2999-01-01T00:00:00Z"}
    found = api.get("/api/flow-runs/failures", params=later).json()
    assert (found["groups"], found["runs"], found["is_complete"]) == ([], 0, True)


def test_the_trend_of_a_group_adds_up_to_its_runs(api: httpx.Client) -> None:
    answer = api.get("/api/flow-runs/failures").json()
    steps = answer["steps"]
    assert (steps["count"], steps["seconds"]) == (24, 3_600)
    assert [(len(group["trend"]), sum(group["trend"])) for group in answer["groups"]] == [(24, 2), (24, 1)]
