"""A crash before every single effect of every flow of the corpus, and more crashes on the way on."""

import itertools
import random
import time
from collections.abc import Iterator

import pytest

from perdure import flow, session, task
from perdure._platform import ids
from perdure.records import RunFilter
from perdure.task_runners import DaskTaskRunner
from perdure.testing.crashes import Killed, crash_points, killed, root_run
from perdure.testing.home import fresh_home
from perdure.testing.invariants import violations
from tests.dask_cluster import DaskCluster
from tests.resume.corpus import CASES
from tests.resume.surviving import broken_promises, survive

FAST = ("plain", "handled", "task_retried", "literals")

# Of a generator that nobody holds any more after the crash, Python can only warn that it was stopped.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def crashes_of(name: str, more: bool, flushed: bool, runner: DaskTaskRunner | None = None) -> list[str]:
    """Crash once before each effect, then, if there are to be `more`, up to two times more; what was wrong."""
    wrong: list[str] = []
    chance = random.Random(name)
    case = CASES[name]
    if runner is not None:
        case = case._replace(flow=case.flow.with_options(task_runner=runner))
    for before in itertools.count(1, 5 if more else 1):
        crashes = [before, *([chance.randint(1, 12), chance.randint(1, 12)] if more else [])]
        with fresh_home():
            crashed, found = survive(case, crashes, flushed=flushed)
        wrong += [f"Crashed before {crashes}: {each}" for each in found]
        if not crashed:
            return wrong
    raise AssertionError("not reached")


@pytest.mark.parametrize("name", [name for name in CASES if not CASES[name].is_slow])
def test_an_undisturbed_run_comes_to_its_outcome(name: str) -> None:
    assert killed(CASES[name].call, before=None).killed is False
    assert broken_promises(CASES[name], undisturbed_end=True) == []


@pytest.mark.parametrize("before", [1, 2, 5, 8, 11, 14])
@pytest.mark.parametrize("name", FAST)
def test_a_crash_changes_nothing(name: str, before: int) -> None:
    assert survive(CASES[name], [before])[1] == []


@pytest.mark.parametrize(
    ("name", "before"), [("flow_retried", 17), ("flow_retried", 20), ("nested_retry", 18), ("of_states", 10)]
)
def test_a_crash_between_two_tries_changes_nothing(name: str, before: int) -> None:
    assert survive(CASES[name], [before], flushed=True)[1] == []


@pytest.mark.parametrize("days", [-2, 2])
def test_a_clock_that_was_set_leaves_histories_in_order(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    case = CASES["plain"]
    killed(case.call, before=12, flushed=True)
    run = root_run()
    assert run is not None
    real = time.time_ns
    monkeypatch.setattr(ids, "_sequence", ids._Sequence())  # later tests have ids of their own time
    monkeypatch.setattr(time, "time_ns", lambda: real() + days * 86_400_000_000_000)
    case.flow.resume(run.id)

    assert broken_promises(case, undisturbed_end=True) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_crash_before_any_effect_changes_nothing(name: str) -> None:
    assert crashes_of(name, more=False, flushed=True) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_up_to_three_crashes_that_lose_all_that_was_not_committed_change_nothing(name: str) -> None:
    assert crashes_of(name, more=True, flushed=False) == []


@pytest.fixture(scope="module")
def dask_cluster() -> Iterator[DaskCluster]:
    cluster = DaskCluster(workers=1)
    yield cluster
    cluster.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].is_slow])
def test_a_crash_of_a_flow_whose_tasks_run_on_dask_changes_nothing(name: str, dask_cluster: DaskCluster) -> None:
    assert crashes_of(name, more=False, flushed=False, runner=DaskTaskRunner(address=dask_cluster.address)) == []


# The tools themselves


@task
def double(number: int) -> list[int]:
    calls.append(number)
    return [number * 2]


@flow(durable=True)
def doubled() -> int:
    return sum(double(1) + double(2))


calls: list[int] = []


def test_crash_points_go_through_all_effects() -> None:
    @flow
    def simple() -> int:
        return 1

    before = [crash.effects for crash in crash_points(simple)]

    assert [len(effects) for effects in before] == list(range(len(before)))
    assert before[-1] == ("blocking commit", "report Running", "call simple")


def test_a_crash_is_resumed_to_the_value() -> None:
    assert {crash.resume() for crash in itertools.islice(crash_points(doubled), 2, 5)} == {6}


def test_after_a_crash_nothing_is_reported() -> None:
    ending = killed(doubled, before=3)

    assert ending.killed
    run = root_run()
    assert run is not None
    assert run.state_name == "Pending"
    assert session.current().orchestrator.task_runs(RunFilter()) == []


def test_after_a_crash_no_hook_is_called() -> None:
    called: list[str] = []

    @flow(on_completion=[lambda *_: called.append("completed")], on_crashed=[lambda *_: called.append("crashed")])
    def hooked() -> None: ...

    for crash in crash_points(hooked):
        assert called == []
        assert crash.effects[-1:] != ("call <lambda>",)
    assert called == ["completed"]


def test_what_was_only_reported_is_lost_unless_it_was_flushed() -> None:
    @task(persist_result=False)
    def unkept() -> None: ...

    @flow
    def tracking() -> None:
        unkept()
        unkept()

    known = {}
    for flushed in (False, True):
        with fresh_home():
            killed(tracking, before=8, flushed=flushed)
            known[flushed] = len(session.current().orchestrator.task_runs(RunFilter()))
    assert known == {False: 0, True: 2}


def test_a_crash_reaches_no_handler_of_exceptions() -> None:
    handled: list[Exception] = []

    @flow
    def careful() -> None:
        try:
            double(1)
        except Exception as error:
            handled.append(error)

    for crash in crash_points(careful):
        assert handled == [], crash


def test_a_call_that_is_not_killed_gives_its_value_or_its_exception() -> None:
    assert killed(doubled, before=None).value == 6
    assert isinstance(killed(lambda: 1 / 0, before=None).value, ZeroDivisionError)


def test_a_run_that_a_crash_left_running_is_a_violation_until_it_continues() -> None:
    killed(doubled, before=4, flushed=True)
    run = root_run()
    assert run is not None
    assert any("is still Running" in wrong for wrong in violations(session.current().orchestrator))
    doubled.resume(run.id)
    assert violations(session.current().orchestrator) == []


def test_a_kill_is_no_exception() -> None:
    assert not issubclass(Killed, Exception)
