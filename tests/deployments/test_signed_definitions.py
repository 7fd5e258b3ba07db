"""With signing keys, what is started is what somebody deployed who has them, whatever the database says."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perdure import session, settings
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.due_runs import make_due_runs
from perdure._rooms.deployments.port import Deployment, DeploymentVersion, QueueFilter, WorkPool
from perdure._rooms.deployments.signatures import (
    check_definition,
    check_schedule_signature,
    check_start,
    check_template_signature,
    schedule_shown,
    signed_definition,
    signed_template,
)
from perdure._rooms.deployments.versions import rolled_back
from perdure._rooms.events.port import EventFilter
from perdure.deployments import DeploymentError, run_deployment
from perdure.records import NOBODY, RunFilter, StartRecord
from perdure.schedules import Interval
from perdure.serializers import new_key
from perdure.states import StateType
from tests.deployments import deployed
from tests.deployments.test_workers import ended, working

KEY, OTHER = new_key("ours"), new_key("theirs")


@pytest.fixture(autouse=True)
def keys() -> Iterator[None]:
    with settings.temporary_settings(results_signing_keys=KEY):
        yield
        session.close()


def known():
    return session.current().orchestrator


def forge(of: Deployment, **changes: object) -> Deployment:
    """What whoever may write to the database makes of a deployment: its newest version is another one."""
    text = replace(definition_of_text(of.definition), **changes).as_json()
    forged = of._replace(definition=text)
    digest = definition_of_text(text).digest
    return known().deployments.put(forged, DeploymentVersion(of.id, 0, digest, text, 1, "mallory@elsewhere"))


def check(of: Deployment) -> None:
    check_definition(definition_of_text(of.definition), of.flow_name, of.name)


def test_what_was_deployed_with_a_key_is_signed_for_its_names():
    of = deployed.report.deploy("nightly")
    check(of)
    with pytest.raises(DeploymentError, match="moved here from another place"):
        check_definition(definition_of_text(of.definition), of.flow_name, "hourly")


@pytest.mark.parametrize(
    "changes",
    [
        {"entry_point": {"target": "/tmp/evil.py:f", "directory": "/tmp"}},
        {"job": {"python": "/tmp/evil"}},
        {"parameters": {"x": 7}},
        {"signature": None},
        {"signature": "ours:00"},
        {"signature": 7},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_definition_that_was_changed_makes_no_run(changes):
    forged = forge(deployed.report.deploy("nightly"), **changes)
    with pytest.raises(DeploymentError, match="report/nightly .* Deploy it again, with a key of the ring"):
        run_deployment("nightly", timeout=0)
    assert known().flow_runs(RunFilter()) == []
    with pytest.raises(DeploymentError):
        check(forged)


def test_the_tick_of_a_forged_deployment_makes_no_run_and_says_so():
    of = deployed.report.deploy("nightly", schedule=Interval(600))
    forge(of, job={"python": "/tmp/evil"})
    make_due_runs(system_clock() + 700_000_000, known())
    (event,) = known().services.events(EventFilter(kind="schedule.failed"))
    assert "its signature is wrong" in json.loads(event.payload)["error"]
    assert known().flow_runs(RunFilter()) == []


@pytest.mark.parametrize(
    "changes",
    [{"parameters": {"x": 7}}, {"interval": 300.0}, {"signature": None}, {"signature": 7}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_schedule_that_was_changed_makes_no_run_and_says_so(changes):
    of = deployed.report.deploy("nightly", schedule=Interval(600, parameters={"x": 1}))
    (record,) = known().deployments.schedules(of.id)
    forged = json.dumps({**json.loads(record.definition), **changes})
    known().deployments.put_schedules([record._replace(definition=forged)], of.id)
    make_due_runs(system_clock() + 700_000_000, known())
    (event,) = known().services.events(EventFilter(kind="schedule.failed"))
    assert "The schedule 'interval' of the deployment report/nightly" in json.loads(event.payload)["error"]
    assert known().flow_runs(RunFilter()) == []


def test_a_schedule_is_signed_for_its_own_deployment():
    mine = deployed.report.deploy("nightly", schedule=Interval(600, parameters={"x": 1}))
    other = deployed.report.deploy("hourly")
    (record,) = known().deployments.schedules(mine.id)
    known().deployments.put_schedules([record._replace(deployment_id=other.id)], other.id)
    make_due_runs(system_clock() + 700_000_000, known())
    places = known().deployments.queued(QueueFilter())
    assert {place.deployment_id for place in places} == {mine.id}
    assert json.loads(known().flow_runs(RunFilter())[0].parameters)["x"] == 1


def test_a_schedule_that_somebody_paused_and_resumed_holds_and_its_signature_is_not_shown():
    of = deployed.report.deploy("nightly", schedule=Interval(600, parameters={"x": 1}))
    known().deployments.pause_schedule(of.id, "interval", 1)
    known().deployments.pause_schedule(of.id, "interval", None)
    (record,) = known().deployments.schedules(of.id)
    check_schedule_signature(record.definition, of.flow_name, of.name)
    assert "signature" in json.loads(record.definition)
    assert "signature" not in schedule_shown(record.definition)


def test_another_ones_key_is_named_in_the_refusal():
    with settings.temporary_settings(results_signing_keys=OTHER):
        of = deployed.report.deploy("nightly")
    with pytest.raises(
        DeploymentError, match="signed with the key 'theirs', which PERDURE_RESULTS_SIGNING_KEYS does not"
    ):
        check(of)


def test_another_signature_makes_no_version_and_a_rollback_keeps_it():
    first = deployed.report.deploy("nightly", parameters={"x": 1})
    with settings.temporary_settings(results_signing_keys=f"{OTHER},{KEY}"):
        again = deployed.report.deploy("nightly", parameters={"x": 1})
    assert (again.version, again.definition != first.definition) == (1, True)
    deployed.report.deploy("nightly", parameters={"x": 2})
    of = known().deployments.one(first.id)
    _, kept = rolled_back(of, 1, "somebody", system_clock(), known().deployments, lambda _: None)
    check(kept)
    assert definition_of_text(kept.definition).parameters == {"x": 1}


def test_a_run_of_other_code_than_its_version_is_refused():
    definition = definition_of_text(deployed.report.deploy("nightly").definition)
    start = StartRecord("run", NOBODY, json.dumps(definition.entry_point), None, None)
    check_start(lambda: start, definition, "report", "nightly")
    other = json.dumps({**definition.entry_point, "target": "/tmp/evil.py:f"})
    with pytest.raises(DeploymentError, match="other code than the version of the deployment report/nightly"):
        check_start(lambda: start._replace(entry_point=other), definition, "report", "nightly")


def test_a_base_job_template_is_signed_for_its_pool():
    pool = WorkPool("batch", "process", None, None, json.dumps({"python": "python3"}), 1)
    signed = signed_template(pool)
    check_template_signature(signed)
    check_template_signature(pool._replace(template="{}"))
    forged = json.dumps({**json.loads(signed.template), "python": "/tmp/evil"})
    for bad in (pool, signed._replace(template=forged), signed._replace(name="other")):
        with pytest.raises(DeploymentError, match="The base job template of the work pool"):
            check_template_signature(bad)


def test_without_keys_nothing_is_signed_and_all_is_taken():
    with settings.temporary_settings(results_signing_keys=None):
        of = forge(deployed.report.deploy("nightly"), parameters={"x": 7})
        definition = definition_of_text(of.definition)
        assert signed_definition(definition, "report", "nightly").signature is None
        check(of)


@pytest.mark.slow
def test_a_worker_starts_nothing_that_was_forged_after_the_run_was_made(tmp_path: Path):
    of = deployed.counted.deploy("one", parameters={"folder": str(tmp_path)})
    genuine, forged = run_deployment("one", timeout=0), run_deployment("one", timeout=0)
    changed = forge(of, job={"env": {"A": "1"}})
    (place,) = known().deployments.queued(QueueFilter(flow_run_ids=(forged.id,)))
    statement = "UPDATE queued_run SET version = ? WHERE flow_run_id = ?"
    known()._writer.execute(statement, (changed.version, place.flow_run_id))
    with working():
        assert ended(known(), genuine).state_type is StateType.COMPLETED
        after = ended(known(), forged)
    assert after.state_type is StateType.CRASHED
    assert "did not begin: The definition of the deployment counted/one was altered" in after.state_message
    assert [each.name.startswith(genuine.id) for each in tmp_path.glob("*-*")] == [True]
