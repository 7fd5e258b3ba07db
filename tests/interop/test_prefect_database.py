"""The database of a real Prefect 2, SQLite and PostgreSQL, is taken over, also while Prefect runs flows."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from environment import prefect_python

from perdure import session
from perdure._migration.takeover import Takeover, take_over
from perdure._rooms.deployments.definition import definition_of_text
from perdure._store.protocol import Orchestrator
from perdure.blocks.system import JSON, Secret
from perdure.filesystems import S3, LocalFileSystem
from perdure.records import ArtifactFilter, ResultFilter, RunFilter
from perdure.results import get_result
from perdure.states import StateType as S
from tests.postgresql_server import new_database

# The first of these tests to run installs Prefect, if this machine has not done so yet; each database takes it seconds.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("prefect-database")]

HERE = Path(__file__).parent


class Prefect(NamedTuple):
    """A database that Prefect has written, and keeps writing to until `end` is called."""

    url: str
    ids: dict[str, str]
    process: "subprocess.Popen[str]"
    go: Path

    def end(self) -> None:
        """Have the flow end that still runs."""
        self.go.touch()
        assert self.process.wait(120) == 0


def environment(place: Path, url: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("PERDURE_", "PREFECT_"))}
    return others | {
        "HOME": str(place),
        "PREFECT_HOME": str(place / "prefect"),
        "PREFECT_API_DATABASE_CONNECTION_URL": url,
        "PREFECT_API_DATABASE_MIGRATE_ON_START": str(url.startswith("sqlite")),
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.1",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }


@contextmanager
def writing(place: Path, url: str) -> Iterator[Prefect]:
    """A Prefect that has run its flows, and waits inside the last one."""
    place.mkdir()
    python, settings = prefect_python(), environment(place, url)
    if url.startswith("postgresql"):
        subprocess.run([python, HERE / "prefect_tables.py"], env=settings, check=True)
    with (place / "errors").open("w") as errors:
        command = [python, HERE / "prefect_history.py", place]
        process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        ids, waits = (process.stdout.readline() for _ in range(2))
        assert waits, (place / "errors").read_text()
        yield Prefect(url, json.loads(ids), process, place / "go")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def prefect(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    place = tmp_path_factory.mktemp("prefect-database") / "place"
    if request.param == "sqlite":
        with writing(place, f"sqlite+aiosqlite:///{place}/prefect.db") as found:
            yield found
        return
    server = request.getfixturevalue("postgresql")
    with (
        new_database(server) as url,
        writing(place, url.replace("postgresql:", "postgresql+asyncpg:")) as found,
    ):
        yield found


def known() -> Orchestrator:
    return session.current().orchestrator


def taken(prefect: Prefect) -> Takeover:
    return take_over(prefect.url, known(), lambda *_: None)


def numbers(taken_over: Takeover) -> dict[str, tuple[int, int, int]]:
    """Of each kind, how many were in the source, are kept in the file, and are found here."""
    return {each.of: (each.source, each.kept, each.found) for each in taken_over.tallies}


def test_all_that_prefect_has_is_counted_and_is_here(prefect: Prefect):
    taken_over = taken(prefect)
    assert taken_over.is_whole
    counted = numbers(taken_over)
    assert [counted[of] for of in ("flows", "flow runs", "task runs")] == [(4, 0, 4), (5, 0, 5), (10, 0, 10)]
    assert [counted[of] for of in ("results", "blocks", "limits")] == [(7, 0, 7), (5, 0, 5), (2, 0, 2)]
    assert [counted[of] for of in ("deployments", "deployment schedules")] == [(2, 0, 2), (3, 0, 3)]
    assert counted["states"][0] > 40


def test_deployments_have_their_schedules_and_are_paused_where_their_code_is_not_known(prefect: Prefect):
    taken_over = taken(prefect)
    deployments = {each.name: each for each in known().deployments.all()}
    assert set(deployments) == {"daily", "hourly"}
    assert [note for note in taken_over.notes if "market/daily is paused: it has no entry point" in note]
    assert deployments["daily"].paused is not None
    (daily,) = known().deployments.schedules(deployments["daily"].id)
    assert json.loads(daily.definition) == {"slug": "cron", "cron": "0 6 * * *", "timezone": "Europe/Berlin"}
    hourly = deployments["hourly"]
    assert (hourly.paused, hourly.work_pool, hourly.work_queue) == (None, "batch", "gpu")
    schedules = {each.slug: each for each in known().deployments.schedules(hourly.id)}
    assert [(slug, each.paused is None) for slug, each in schedules.items()] == [("interval", True), ("rrule", False)]
    definition = definition_of_text(hourly.definition)
    assert (definition.parameters, definition.tags, definition.job) == ({"days": [2]}, ("io",), {"env": {"A": "1"}})
    assert definition.entry_point["target"].endswith("moved.py:market")
    assert [(each.name, each.concurrency_limit) for each in known().deployments.queues("batch")][-1] == ("gpu", 1)
    assert next(each for each in known().deployments.pools() if each.name == "batch").concurrency_limit == 5
    again = taken(prefect)
    assert numbers(again) == numbers(taken_over)
    assert len(known().deployments.all()) == 2


def test_runs_have_their_states_tags_and_parameters(prefect: Prefect):
    taken(prefect)
    (run,) = known().flow_runs(RunFilter(ids=(prefect.ids["market"],)))
    assert (run.flow_name, run.tags, json.loads(run.parameters)) == ("market", '["big", "prod"]', {"days": [1, 2]})
    assert [state.type for state in known().states(run.id)] == [S.PENDING, S.RUNNING, S.COMPLETED]
    (broken,) = known().flow_runs(RunFilter(states=(S.FAILED,)))
    assert "KeyError: 'coffee'" in (broken.state_message or "")
    retried = known().task_runs(RunFilter(of="flaky"))
    assert [task.run_count for task in retried] == [2, 2]
    assert [state.name for state in known().states(retried[0].id)][2:4] == ["AwaitingRetry", "Retrying"]


def test_subflows_and_lineage_are_known(prefect: Prefect):
    taken(prefect)
    inner = known().flow_runs(RunFilter(of="inner"))[0]
    (outer,) = known().flow_runs(RunFilter(ids=(inner.parent_flow_run_id or "",)))
    assert (outer.flow_name, len(known().task_runs(RunFilter(flow_run_ids=(inner.id,))))) == ("market", 3)
    (added,) = known().task_runs(RunFilter(of="add", flow_run_ids=(inner.id,)))
    ((_, source, name),) = known().inputs_of([added.id])
    assert (known().task_runs(RunFilter(ids=(source,)))[0].task_name, name) == ("rows", "numbers")


def test_results_are_had_by_the_runs_old_ids(prefect: Prefect):
    taken(prefect)
    assert get_result(prefect.ids["market"]) == [{"day": 1, "sum": 1}, {"day": 2, "sum": 3}]
    rows = known().results(ResultFilter(storage_keys=("rows-2",)))
    assert [get_result(each.run_id) for each in rows] == [[0, 1]]


def test_blocks_are_decrypted_and_usable(prefect: Prefect):
    taken(prefect)
    assert (Secret.load("token").get(), JSON.load("regions").value) == ("hunter2", {"regions": ["eu", "us"]})
    assert str(LocalFileSystem.load("dev").basepath).endswith("saved")
    cloud = S3.load("cloud")
    assert cloud.secret_access_key is not None
    assert (cloud.bucket_path, cloud.secret_access_key.get_secret_value()) == ("bucket/prefix", "s3cret")


def test_logs_artifacts_others_are_here(prefect: Prefect):
    taken(prefect)
    (run,) = known().flow_runs(RunFilter(ids=(prefect.ids["market"],)))
    assert "the market opens" in [line.message for line in known().logs(run.id)]
    artifacts: dict[Any, Any] = {each.key: json.loads(each.data) for each in known().artifacts(ArtifactFilter())}
    assert artifacts["report"] == {"markdown": "# Tea"}
    assert artifacts["prices"] == {"columns": ["tea"], "rows": [[3], [4]]}
    assert [json.loads(each.value) for each in known().variables()] == ["eu-west-1"]
    assert [(each.name, each.slots, each.decay) for each in known().limits.all()] == [("api", 2, 0.5), ("io", 3, None)]


def test_a_run_that_runs_meanwhile_is_updated_when_it_has_ended(prefect: Prefect):
    """The last test of each database: Prefect ends in it."""
    taken(prefect)
    (running,) = known().flow_runs(RunFilter(of="waiting"))
    assert running.state_type is S.RUNNING
    prefect.end()
    outcomes = {each.of: (each.new, each.updated) for each in taken(prefect).tallies}
    assert (outcomes["flow runs"], outcomes["task runs"]) == ((0, 1), (0, 0))
    assert [run.state_type for run in known().flow_runs(RunFilter(of="waiting"))] == [S.COMPLETED]
    assert {(each.new, each.updated) for each in taken(prefect).tallies} == {(0, 0)}
