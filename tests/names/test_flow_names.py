"""A flow that was given no name has its function's, with dashes; what earlier versions recorded under that is its own.

Earlier versions called such a flow as its function, so that a flow that is given that name stands for theirs here.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow, session, settings, task
from perdure._automations.evaluation import mismatch
from perdure._model.flow_names import default_name, deployment_spellings, spellings
from perdure._platform.ids import new_id
from perdure._rooms.deployments.due_runs import make_due_runs, wanted_of
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.deployments.runs import deployment_named, make_runs
from perdure._rooms.deployments.versions import rolled_back
from perdure._rooms.events.port import Event, EventFilter, Hook, wants
from perdure._rooms.logs.records import LogFilter
from perdure._rooms.results.records import ResultFilter
from perdure._rooms.runs.records import FailureFilter
from perdure._store.reads import Reads
from perdure.deployments import run_deployment
from perdure.errors import DeploymentError, ResumeError
from perdure.records import NOBODY, RunFilter, StateRecord
from perdure.runtime import flow_run
from perdure.schedules import Interval
from perdure.serializers import new_key
from perdure.states import StateType
from tests.deployments import deployed

FORMER = deployed.two_words.with_options(name="two_words")  # as earlier versions call it
NOW = deployed.two_words
calls: list[int] = []


@task(persist_result=True)
def a_step(x: int) -> int:
    calls.append(x)
    return x + 1


@flow(persist_result=True, on_crash="resume", log_prints=True)
def of_steps(x: int, fails: bool = False) -> int:
    print("hello")
    found = a_step(x)
    if fails and not calls[1:]:
        calls.append(0)
        raise RuntimeError("no")
    return found


@flow
def with_child(x: int) -> int:
    return of_steps(x)


@pytest.fixture(autouse=True)
def nothing_called() -> Iterator[None]:
    calls.clear()
    yield
    session.close()


@pytest.fixture
def known() -> Any:
    return session.current().orchestrator


def test_the_default_name_has_dashes_and_a_name_that_is_given_stays():
    assert (of_steps.name, flow(name="of_steps")(of_steps.fn).name) == ("of-steps", "of_steps")
    assert of_steps.with_options(name="a_b").name == "a_b"
    assert a_step.name == "a_step"


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("my_flow", "my-flow"),
        ("my-flow", "my_flow"),
        ("flow", None),
        ("a_b-c", None),
        ("2024-report", None),
        ("nightly report_x", None),
    ],
)
def test_only_names_that_functions_have_and_those_made_of_them_have_another_spelling(name, other):
    assert spellings(name) == (name,) if other is None else (name, other)


@given(st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True), st.text("ab_-", min_size=1, max_size=6))
def test_a_name_is_another_spelling_of_what_is_another_spelling_of_it(function, name):
    assert function in spellings(default_name(function))
    assert all(name in spellings(each) for each in spellings(name))


def test_a_deployment_without_a_name_of_its_own_is_called_as_its_flow():
    assert deployment_spellings("my-flow", "my-flow")[:2] == [("my-flow", "my-flow"), ("my_flow", "my_flow")]
    assert deployment_spellings("my-flow", "a_b") == [("my-flow", "a_b"), ("my_flow", "a_b")]


# Idempotency keys


@pytest.mark.parametrize("names", [("of_steps", None), (None, "of_steps"), ("of-steps", None)])
def test_a_key_holds_over_both_versions_and_for_who_takes_the_name_away(names, known):
    """The first one's name is what an earlier version, or a program for it, called the flow."""
    first, second = (of_steps if name is None else of_steps.with_options(name=name) for name in names)
    keyed = [each.with_options(idempotency_key="k") for each in (first, second)]
    assert [each(1) for each in keyed] == [2, 2]
    assert calls == [1]
    assert len(known.flow_runs(RunFilter())) == 1


def test_flows_that_were_given_both_spellings_share_no_keys():
    named = [of_steps.with_options(name=name, idempotency_key="k") for name in ("a-b", "a_b")]
    assert [each(x) for x, each in enumerate(named)] == [1, 2]


def test_a_key_of_run_deployment_holds_over_both_versions(known):
    FORMER.deploy("nightly")
    before = run_deployment("two_words/nightly", idempotency_key="k", timeout=0)
    NOW.deploy("nightly")
    now = run_deployment("two-words/nightly", idempotency_key="k", timeout=0)
    FORMER.deploy("nightly")  # a client of an earlier version
    again = run_deployment("two_words/nightly", idempotency_key="k", timeout=0)
    assert before.id == now.id == again.id
    assert len(known.flow_runs(RunFilter())) == 1


def test_a_key_of_run_deployment_holds_for_who_takes_the_name_away(known):
    deployed.two_words.with_options(name="two-words").deploy("nightly")
    before = run_deployment("two-words/nightly", idempotency_key="k", timeout=0)
    NOW.deploy("nightly")
    assert run_deployment("two-words/nightly", idempotency_key="k", timeout=0).id == before.id
    assert len(known.flow_runs(RunFilter())) == 1


def test_deployments_of_flows_that_were_given_both_spellings_share_no_keys(known):
    for name in ("a-b", "a_b"):
        deployed.two_words.with_options(name=name).deploy("nightly")
        run_deployment(f"{name}/nightly", idempotency_key="k", timeout=0)
    assert len(known.deployments.all()) == len(known.flow_runs(RunFilter())) == 2


@pytest.mark.parametrize(("former", "now"), [("nightly", "nightly"), ("two_words", "two-words")])
def test_a_tick_is_made_once_by_who_looked_before_and_who_looked_after_the_renaming(former, now, known):
    """Each scheduler has the deployment as it was when it looked."""
    schedule, tick = Interval(3600), datetime(2031, 1, 1, tzinfo=UTC)
    seen = [FORMER.deploy(former, schedules=[schedule]), NOW.deploy(now, schedules=[schedule])]
    made = [make_runs(of, list(wanted_of(schedule, of, [tick])), 1, known) for of in (*seen, *seen)]
    assert [len(each) for each in made] == [1, 0, 0, 0]


# Deployments


@pytest.mark.parametrize(("former", "now"), [("nightly", "nightly"), ("two_words", "two-words")])
def test_a_deploy_renames_the_deployment_that_an_earlier_version_made(former, now, known):
    before = FORMER.deploy(former, cron="0 6 * * *", work_pool="pool")
    known.deployments.pause(before.id, 7)
    run = run_deployment(f"two_words/{former}", timeout=0)
    after = NOW.deploy(now, work_pool="pool")
    (only,) = known.deployments.all()
    assert (only.id, only.flow_name, only.name, only.paused) == (before.id, "two-words", now, 7)
    assert (after.version, after.created) == (before.version, before.created)
    assert [each.deployment_id for each in known.deployments.schedules()] == [before.id]
    assert [each.flow_run_id for each in known.deployments.queued(QueueFilter())] == [str(run.id)]


@pytest.mark.parametrize("name", ["two_words", "two-words"])
def test_a_deployment_is_found_by_both_spellings_whoever_made_it(name, known):
    for each in (FORMER, NOW):
        of = each.deploy("nightly")
        assert deployment_named(f"{name}/nightly", session.current().orchestrator).id == of.id
        assert deployment_named(name, session.current().orchestrator).id == of.id
        assert [found.id for found in known.deployments.all(name)] == [of.id]


def test_a_deployment_that_has_the_very_name_comes_before_the_other_spelling(known):
    for name in ("a-b", "a_b"):
        deployed.two_words.with_options(name=name).deploy("nightly")
    for name in ("a-b", "a_b"):
        assert deployment_named(f"{name}/nightly", known).flow_name == name


def test_one_who_goes_back_to_the_former_name_has_the_same_deployment(known):
    ids = {each.deploy("two_words").id for each in (FORMER, NOW, FORMER, NOW)}
    assert len(ids) == len(known.deployments.all()) == 1


def test_the_work_pool_of_what_is_served_stays_under_the_name_that_was_served_first(monkeypatch):
    from perdure._execution import deployments as module

    served = []
    monkeypatch.setattr(module, "_until_stopped", lambda worker, _: served.append(worker))
    FORMER.serve("nightly", print_starting_message=False)
    NOW.serve("nightly", print_starting_message=False)
    (of,) = session.current().orchestrator.deployments.all()
    assert (of.flow_name, of.work_pool, len(served)) == ("two-words", "serve:two_words/nightly", 2)


@pytest.fixture
def signing() -> Iterator[None]:
    with settings.temporary_settings(results_signing_keys=new_key("ours")):
        yield
        session.close()


@pytest.mark.usefixtures("signing")
def test_what_was_signed_under_the_former_name_makes_runs_and_a_deploy_signs_it_again():
    known = session.current().orchestrator
    before = FORMER.deploy("nightly", schedules=[Interval(3600)])
    after = NOW.deploy("nightly")  # its schedule is as it was signed before
    (schedule,) = known.deployments.schedules(after.id)
    make_due_runs(schedule.due, known)
    assert len(known.flow_runs(RunFilter())) == 1
    assert json.loads(after.definition)["signature"] != json.loads(before.definition)["signature"]


@pytest.mark.usefixtures("signing")
def test_a_deployment_that_a_rollback_has_as_it_was_signed_before_makes_runs():
    known = session.current().orchestrator
    FORMER.deploy("nightly", parameters={"x": 1})
    of = NOW.deploy("nightly", parameters={"x": 2})
    rolled_back(of, 1, "me", 1, known.deployments, lambda _: None)
    assert run_deployment("two-words/nightly", timeout=0).flow_name == "two-words"


# Runs


def crashed(of: Any, x: int) -> str:
    """A run that is crashed after its step, as if its process was gone."""
    state = of(x, return_state=True)
    known, run_id = session.current().orchestrator, str(state.flow_run_id)
    known.commit([StateRecord(run_id, False, StateType.CRASHED, "Crashed", None, session.current().clock())])
    return run_id


@pytest.mark.parametrize("has_keys", [False, True])
def test_a_run_of_an_earlier_version_is_resumed_twice_and_no_step_runs_twice(has_keys):
    keys = new_key("ours") if has_keys else None
    with settings.temporary_settings(results_signing_keys=keys):
        run_id = crashed(of_steps.with_options(name="of_steps"), 1)
        for _ in range(2):
            assert of_steps.resume(run_id) == 2
            now = session.current().clock()
            session.current().orchestrator.commit([StateRecord(run_id, False, StateType.CRASHED, "Crashed", None, now)])
        assert calls == [1]
        session.close()


def test_a_call_resumes_the_crashed_run_of_an_earlier_version_with_equal_arguments(known):
    run_id = crashed(of_steps.with_options(name="of_steps"), 1)
    assert of_steps(1) == 2
    assert [run.id for run in known.flow_runs(RunFilter())] == [run_id]
    assert calls == [1]


def test_a_run_of_an_earlier_version_is_run_again():
    run_id = str(of_steps.with_options(name="of_steps")(1, return_state=True).flow_run_id)
    assert of_steps.rerun(run_id) == 2
    with pytest.raises(ResumeError, match="one of 'of_steps', not of 'a_b'"):
        of_steps.with_options(name="a_b").rerun(run_id)


def test_a_run_that_waits_since_an_earlier_version_is_begun_by_this_one(known):
    FORMER.deploy("nightly")
    run = run_deployment("two_words/nightly", timeout=0)
    start = known.start(str(run.id))
    assert start is not None
    assert start.process_id == NOBODY
    assert NOW.resume(run.id) == 2


def test_a_subflow_of_an_earlier_version_is_not_run_again(monkeypatch):
    """A step is known by its module and function, whatever the flow is called."""
    durable = with_child.with_options(durable=True, name="with_child")
    monkeypatch.setitem(globals(), "of_steps", of_steps.with_options(name="of_steps"))
    run_id = crashed(durable, 1)
    monkeypatch.undo()
    assert with_child.with_options(durable=True).resume(run_id) == 2
    assert calls == [1]


# Lists and views


@pytest.fixture
def both(known) -> list[str]:
    """Runs of a flow by both versions, which fail, and one of another flow."""
    for each in (of_steps.with_options(name="of_steps"), of_steps):
        calls.clear()
        each(1, fails=True, return_state=True)
    with_child(1)
    session.current().orchestrator.flush()
    return [run.id for run in known.flow_runs(RunFilter(states=(StateType.FAILED,)))]


@pytest.mark.parametrize("name", ["of_steps", "of-steps"])
def test_lists_find_the_runs_of_both_versions_by_either_name(name, both, known):
    wanted = RunFilter(of=name, outermost=True)
    assert [run.id for run in known.flow_runs(wanted)] == both
    assert [run.id for run in known.flow_runs(wanted._replace(limit=1))] == both[:1]
    assert [run.id for run in known.flow_runs(wanted._replace(states=(StateType.FAILED,), after=1))] == both
    assert sum(each.runs for each in known.failures(FailureFilter(of=name))) == 2
    assert {each.run_id for each in known.results(ResultFilter(flow=name, of_task=False))} >= set(both)
    assert {line.flow_run_id for line in known.log_lines(LogFilter(flow=name))} >= set(both)


@pytest.mark.parametrize("name", ["of_steps", "of-steps"])
def test_a_page_of_a_flow_has_the_runs_of_both_versions(name, both, known):
    found = Reads(known).flow(name, 0, 2**62)
    assert found is not None
    assert (found.last.flow_name, found.counts["FAILED"]) == ("of-steps", len(both))


@pytest.mark.parametrize("name", ["of_steps", "of-steps"])
@pytest.mark.parametrize("of_run", ["of_steps", "of-steps"])
def test_hooks_events_and_automations_know_a_flow_by_either_name(name, of_run, known):
    event = Event(new_id(), 1, "order.made", new_id(), of_run, "{}")
    hook = Hook(new_id(), "webhook", "", "", None, "order.*", name, False, 1)
    assert wants(hook, event)
    assert not wants(hook._replace(flow_name="other"), event)
    known.emit(event)
    assert [each.id for each in known.services.events(EventFilter(flow_name=name))] == [event.id]
    content = {"run": {"flow_name": of_run, "deployment": f"{of_run}/nightly"}}
    assert mismatch({"run.flow_name": (name,), "run.deployment": (f"{name}/nightly",)}, content) is None
    assert mismatch({"run.deployment": (f"{name}/hourly",)}, content) is not None


def test_templates_see_the_default_name_with_dashes():
    seen = []

    @flow(flow_run_name=lambda: f"of {flow_run.flow_name}")
    def a_report() -> None:
        seen.append(flow_run.name)

    a_report()
    assert seen == ["of a-report"]


# What is another flow's, and what is the same one's by whichever of its names


def test_what_a_flow_has_asked_for_by_one_name_it_has_by_the_other_once_it_is_tried_again(known):
    NOW.deploy("nightly")
    names = ["two_words/nightly", "two-words/nightly", "two_words/nightly"]

    @flow(retries=2)
    def asks() -> str:
        attempt = flow_run.run_count
        made = run_deployment(names[attempt - 1], timeout=0).id
        if attempt < 3:
            raise RuntimeError("no")
        return made

    asks()
    assert len(known.flow_runs(RunFilter(of="two-words"))) == 1


@pytest.mark.parametrize("names", [(None, "of-steps"), ("of-steps", None)])
def test_a_key_holds_for_who_writes_the_default_name_out(names, known):
    first, second = (of_steps if name is None else of_steps.with_options(name=name) for name in names)
    assert [each.with_options(idempotency_key="k")(1) for each in (first, second)] == [2, 2]
    assert calls == [1]


def test_a_key_gives_no_run_of_another_flow_that_was_given_the_default_name():
    @flow(name="a-b", idempotency_key="k", persist_result=True)
    def other() -> str:
        return "of other"

    @flow(idempotency_key="k", persist_result=True)
    def a_b() -> str:
        return "of a_b"

    assert (other(), a_b()) == ("of other", "of a_b")


def test_who_goes_back_to_the_former_name_has_the_runs_that_wait(known):
    NOW.deploy("nightly")
    waits = run_deployment("two-words/nightly", timeout=0)
    FORMER.deploy("nightly")
    FORMER.resume(waits.id)
    (run,) = known.flow_runs(RunFilter())
    assert (run.id, run.state_type) == (waits.id, StateType.COMPLETED)


def test_a_flow_that_was_given_the_name_of_a_function_has_deployments_and_keys_of_its_own(known):
    ours = NOW.deploy("nightly")
    theirs = deployed.report.with_options(name="two_words").deploy("nightly")
    assert ours.id != theirs.id
    made = [run_deployment(f"{name}/nightly", idempotency_key="k", timeout=0) for name in ("two-words", "two_words")]
    assert made[0].id != made[1].id
    schedule, tick = Interval(3600), datetime(2031, 1, 1, tzinfo=UTC)
    found = [known.deployments.one(each.id) for each in (ours, theirs)]
    assert [len(make_runs(of, list(wanted_of(schedule, of, [tick])), 1, known)) for of in found] == [1, 1]


def test_a_deployment_that_another_flow_has_the_new_name_of_is_not_put_over_that(known):
    FORMER.deploy("nightly")
    deployed.report.with_options(name="two-words").deploy("nightly")
    with pytest.raises(DeploymentError, match=r"two_words/nightly is of 'two_words', .* a deployment of 'report'"):
        NOW.deploy("nightly")
    assert len(known.deployments.all()) == 2


@pytest.mark.parametrize(("field", "wanted"), [("deployment", "a_b/nightly"), ("schedule", "a_b/nightly/*")])
def test_an_automation_on_events_of_schedules_knows_both_names(field, wanted):
    payload = {"deployment": "a-b/nightly", "schedule": "a-b/nightly/cron"}
    assert mismatch({f"payload.{field}": [wanted]}, {"payload": payload}) is None


def test_a_run_has_one_name_before_and_after_it_is_resumed(known):
    seen: list[str] = []

    @flow(persist_result=True)
    def two_names(x: int) -> None:
        seen.append(flow_run.flow_name)

    two_names.resume(crashed(two_names.with_options(name="two_names"), 1))
    assert seen == ["two_names"] * 2
