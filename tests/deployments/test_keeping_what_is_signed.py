"""However something signed is changed: it is signed anew, or refused before anything has changed; nothing later."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import perdure
from perdure import session, settings
from perdure._model.errors import ParameterTypeError
from perdure._platform.clock import system_clock
from perdure._rooms.deployments.definition import definition_of_text
from perdure._rooms.deployments.due_runs import make_due_runs, resume_schedules
from perdure._rooms.deployments.keeping import keep_pool
from perdure._rooms.deployments.port import Deployment, QueueFilter, WorkPool
from perdure._rooms.deployments.signatures import (
    check_definition,
    check_schedule_signature,
    check_template_signature,
    signed_definition,
    signed_template,
)
from perdure._rooms.deployments.store import SqlDeployments
from perdure._rooms.deployments.versions import rolled_back
from perdure.client import get_client
from perdure.client.schemas.actions import DeploymentUpdate
from perdure.deployments import DeploymentError
from perdure.schedules import Cron, Interval
from perdure.serializers import new_key
from tests.deployments import deployed
from tests.deployments.test_signed_definitions import forge

KEY, OTHER = new_key("ours"), new_key("theirs")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    session.close()


def known():
    return session.current().orchestrator


def update(**changes: object) -> Callable[[Deployment], None]:
    return lambda of: get_client(sync_client=True).update_deployment(of.id, DeploymentUpdate(**changes))


def roll_back(of: Deployment) -> None:
    rolled_back(known().deployments.one(of.id), 1, "me", system_clock(), known().deployments, lambda _: None)


def pause_and_resume(of: Deployment) -> None:
    deployments = known().deployments
    for since in (system_clock(), None):
        deployments.pause(of.id, since)
        for each in deployments.schedules(of.id):
            deployments.pause_schedule(of.id, each.slug, since)
    resume_schedules(deployments.schedules(of.id), system_clock(), known())


def make_template(_: Deployment) -> None:
    pool = next(each for each in known().deployments.pools() if each.name == "batch")
    keep_pool(signed_template(pool._replace(template=json.dumps({"python": "python3.12"}))), known().deployments)


def change_limit(_: Deployment) -> None:
    pool = next(each for each in known().deployments.pools() if each.name == "batch")
    keep_pool(pool._replace(concurrency_limit=7), known().deployments)


EVERY_TEN, EVERY_FIVE = Interval(600, parameters={"x": 3}), Interval(300)
WAYS = {
    "deploy": lambda _: deployed.report.deploy("nightly", work_pool="batch", parameters={"x": 9}),
    "deploy the same": lambda _: deployed.report.deploy("nightly", work_pool="batch", parameters={"x": 2}),
    "deploy schedules": lambda _: deployed.report.deploy("nightly", work_pool="batch", schedules=[EVERY_FIVE]),
    "remove schedules": update(schedules=[]),
    "parameters": update(parameters={"x": 9}),
    "description": update(description="Changed."),
    "tags": update(tags=["changed"]),
    "job variables": update(job_variables={"env": {"A": "1"}}),
    "another schedule": update(schedule=EVERY_FIVE),
    "one more schedule": update(schedules=[EVERY_TEN, Cron("0 6 * * *")]),
    "the same schedule": update(schedules=[EVERY_TEN]),
    "definition and schedule": update(tags=["changed"], priority=3, schedules=[EVERY_FIVE]),
    "fields": update(priority=3, concurrency_limit=2, work_queue_name="q"),
    "pause": update(paused=True),
    "activity": update(is_schedule_active=False),
    "roll back": roll_back,
    "pause and resume": pause_and_resume,
    "template": make_template,
    "limit of the pool": change_limit,
}
NEEDS_NO_KEY = {
    *("remove schedules", "the same schedule", "fields", "pause", "activity", "pause and resume"),
    *("roll back", "limit of the pool"),  # what is put back was signed
}


def all_kept(of: Deployment) -> object:
    known().flush()
    deployments = known().deployments
    return deployments.one(of.id), deployments.schedules(of.id), deployments.versions(of.id), deployments.pools()


def check_all(of: Deployment) -> None:
    """Refuse what a server and a worker with our key refuse."""
    with settings.temporary_settings(results_signing_keys=KEY):
        kept = known().deployments.one(of.id)
        check_definition(definition_of_text(kept.definition), kept.flow_name, kept.name)
        for each in known().deployments.schedules(of.id):
            check_schedule_signature(each.definition, kept.flow_name, kept.name)
        for pool in known().deployments.pools():
            check_template_signature(pool)


def signed_deployment() -> Deployment:
    with settings.temporary_settings(results_signing_keys=KEY):
        template = json.dumps({"python": "python3"})
        keep_pool(signed_template(WorkPool("batch", "process", None, None, template, 1)), known().deployments)
        deployed.report.deploy("nightly", work_pool="batch", parameters={"x": 1}, schedules=[EVERY_TEN])
        return deployed.report.deploy("nightly", work_pool="batch", parameters={"x": 2})


@pytest.mark.parametrize("keys", [KEY, None, OTHER], ids=["with the key", "without a key", "with another key"])
def test_whatever_changes_something_signed_it_starts_afterwards_or_nothing_has_changed(keys: str | None):
    for way, change in WAYS.items():
        of = signed_deployment()
        before = all_kept(of)
        refusal = None
        with settings.temporary_settings(results_signing_keys=keys):
            try:
                change(of)
            except DeploymentError as error:
                refusal = str(error)
        if refusal is not None:
            assert all_kept(of) == before, way
            assert "key" in refusal, way
            assert keys != KEY, way
            assert way not in NEEDS_NO_KEY or keys == OTHER, way
        elif keys != OTHER or not way.startswith(
            ("deploy", "template")
        ):  # who deploys with another key, means that key
            check_all(of)


def test_a_schedule_that_a_client_changed_makes_runs():
    of = signed_deployment()
    with settings.temporary_settings(results_signing_keys=KEY):
        update(parameters={"x": 9}, schedules=[EVERY_FIVE])(of)
        make_due_runs(system_clock() + 700_000_000, known())
    assert len(known().deployments.queued(QueueFilter(deployment_id=of.id))) >= 1


def test_a_client_signs_nothing_that_was_forged_before():
    of = signed_deployment()
    forge(of, entry_point={"target": "/tmp/evil.py:f", "directory": "/tmp"})
    with settings.temporary_settings(results_signing_keys=KEY), pytest.raises(DeploymentError, match="was altered"):
        update(tags=["harmless"])(of)


def test_a_forged_schedule_that_is_handed_back_as_it_was_read_is_not_signed():
    of = signed_deployment()
    (record,) = known().deployments.schedules(of.id)
    forged = json.dumps({**json.loads(record.definition), "parameters": {"x": 666}})
    known().deployments.put_schedules([record._replace(definition=forged)], of.id)
    with settings.temporary_settings(results_signing_keys=KEY):
        read = get_client(sync_client=True).read_deployment(of.id).schedules
        with suppress(DeploymentError):
            update(schedules=read)(of)
    with pytest.raises(DeploymentError, match="was altered"):
        check_all(of)


@pytest.mark.parametrize(
    ("ours", "said"),
    [(None, "would not be signed"), (OTHER, "would be signed with the key 'theirs'")],
    ids=["unsigned", "theirs"],
)
def test_a_deploy_to_a_server_that_would_refuse_it_changes_nothing(ours: str | None, said: str, monkeypatch):
    monkeypatch.setattr(SqlDeployments, "signing_key_ids", lambda _: ("ours",))
    with settings.temporary_settings(results_signing_keys=ours), pytest.raises(DeploymentError, match=said):
        deployed.report.deploy("nightly", work_pool="batch", schedule=EVERY_TEN)
    assert (known().deployments.all(), known().deployments.pools()) == ([], [])


def test_whose_keys_a_server_has_is_asked_of_it():
    assert known().deployments.signing_key_ids() == ()
    with settings.temporary_settings(results_signing_keys=f"{KEY},{OTHER}"):
        assert known().deployments.signing_key_ids() == ("ours", "theirs")


def test_a_client_changes_no_parameter_to_what_the_flow_does_not_take():
    of = deployed.report.deploy("nightly")
    with pytest.raises(ParameterTypeError):
        update(parameters={"y": 1})(of)


# A definition that the first version with signatures signed, as its text was, with a key that is known to all.
PUBLIC = "public:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
FIRST = (
    '{"entry_point": {"target": "flows.py:report", "directory": "/srv"}, "flow_version": null, "parameters": {"x": 1},'
    ' "schema": {"type": "object"}, "description": "Ærlig", "tags": ["a"], "partitions": null, "on_crash": null,'
    ' "job": {}, "signature": "public:f2d238c05b3c6c0b04f6bcb1d38897da988b48f2e732d85dfcdf1f3372c18964"}'
)


def test_what_an_earlier_version_signed_holds():
    with settings.temporary_settings(results_signing_keys=PUBLIC):
        check_definition(definition_of_text(FIRST), "report", "nightly")


def test_what_a_later_version_says_of_a_definition_is_signed_and_stays():
    text = json.dumps({**json.loads(FIRST), "signature": None, "lanes": 3})
    with settings.temporary_settings(results_signing_keys=PUBLIC):
        signed = signed_definition(definition_of_text(text), "report", "nightly").as_json()
        assert json.loads(signed)["lanes"] == 3
        check_definition(definition_of_text(signed), "report", "nightly")
        altered = definition_of_text(json.dumps({**json.loads(signed), "lanes": 4}))
        with pytest.raises(DeploymentError, match="was altered"):
            check_definition(altered, "report", "nightly")


def test_nothing_else_puts_what_may_be_signed():
    """All that changes definitions, schedules and templates does so by the functions that refuse first."""
    source = Path(perdure.__file__).parent
    puts = re.compile(r"\.put_pool\(|\.put_schedules\(|\.put\([^)]*[vV]ersion")
    found = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if not path.relative_to(source).as_posix().startswith("testing/")  # what stores of others are tested by
        and "deployments" in (text := path.read_text("utf-8"))
        and puts.search(text)
    }
    assert found == {"_rooms/deployments/keeping.py"}
