"""What `perdure migrate --database` makes of Prefect's database, with a small one in place of Prefect's."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_database import PrefectDatabase, micros_at
from pydantic import SecretStr

from perdure import session
from perdure._migration.takeover import Takeover, take_over
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.sql.sqlite import SQLite
from perdure.blocks import Block
from perdure.blocks.system import Secret
from perdure.errors import MigrationError
from perdure.filesystems import S3, LocalFileSystem
from perdure.records import ArtifactFilter, Limit, ResultFilter, RunFilter, VariableRecord
from perdure.results import get_result
from perdure.states import StateType as S


@pytest.fixture
def prefect(tmp_path: Path) -> Iterator[PrefectDatabase]:
    database = PrefectDatabase(tmp_path / "prefect.db")
    yield database
    database.close()


def known() -> Orchestrator:
    return session.current().orchestrator


def taken(prefect: PrefectDatabase, target: Orchestrator | None = None, **options: Any) -> Takeover:
    return take_over(str(prefect.file), target or known(), lambda *_: None, **options)


def counts(report: Takeover, of: str) -> tuple[int, ...]:
    """How many were in the source, known, new, updated, kept in the file, and are found."""
    return next(tuple(vars(each).values())[1:] for each in report.tallies if each.of == of)


def kept_rows(report: Takeover, table: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in Path(report.file or "/dev/null").read_text().splitlines()]
    return [row for row in rows if row["table"] == table]


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


# Runs


def test_a_flow_run_comes_with_its_states_tags_parameters_and_times(prefect: PrefectDatabase):
    id = prefect.flow_run(1, flow_version="7")
    for second, kind in ((2, "PENDING"), (3, "RUNNING"), (9, "COMPLETED")):
        prefect.state("flow_run", id, kind, second)
    assert taken(prefect).is_whole
    (run,) = known().flow_runs(RunFilter())
    assert run.id == f"{run.id[:14]}7{id[15:]}"
    assert run[1:9] == ("brisk-owl", "market", "7", None, None, '["prod"]', '{"day": 1}', micros_at(1))
    assert (run.state_type, run.started, run.ended, run.run_count) == (S.COMPLETED, micros_at(3), micros_at(9), 1)
    assert [state.time for state in known().states(run.id)] == [micros_at(second) for second in (2, 3, 9)]


def test_runs_are_listed_by_when_they_were_made_and_filtered_by_it(prefect: PrefectDatabase):
    for day in (3, 1, 2):
        prefect.flow_run(day * 86_400, f"day-{day}")
    taken(prefect)
    assert [run.name for run in known().flow_runs(RunFilter())] == ["day-3", "day-2", "day-1"]
    after = RunFilter(after=micros_at(1.5 * 86_400), tags=("prod",))
    assert [run.name for run in known().flow_runs(after)] == ["day-3", "day-2"]


def test_a_run_is_found_by_the_whole_of_its_old_id(prefect: PrefectDatabase):
    id = prefect.flow_run()
    prefect.flow_run(1)
    taken(prefect)
    (run,) = known().flow_runs(RunFilter(ids=(id,)))
    assert run.id[15:] == id[15:]


def test_subflows_and_lineage_come_over(prefect: PrefectDatabase):
    outer = prefect.flow_run()
    rows = prefect.task_run(outer, 1, "rows-0")
    inputs = {"rows": [{"input_type": "task_run", "id": rows}], "more": [{"input_type": "parameter", "name": "x"}]}
    wrapper = prefect.task_run(outer, 2, "inner-0", task_inputs=json.dumps(inputs))
    prefect.flow_run(3, "inside", parent_task_run_id=wrapper)
    taken(prefect)
    tasks = {run.task_name: run for run in known().task_runs(RunFilter())}
    inside, above = known().flow_runs(RunFilter())
    assert (inside.parent_flow_run_id, inside.parent_task_run_id) == (above.id, tasks["inner"].id)
    ((_, source, name),) = known().inputs_of([tasks["inner"].id])
    assert (source, name) == (tasks["rows"].id, "rows")


@pytest.mark.parametrize(
    ("name", "key", "dynamic_key", "task"),
    [
        ("load-3", "load-0123abcd", "3", "load"),
        ("load-dd8", "load-0123abcd", "dd8af670-28af", "load"),
        ("My load-0", "load_it-0123abcd", "0", "My load"),
        ("of tuesday", "load-0123abcd", "0", "load"),
        ("of tuesday", "pipelines.market.load", "0", "load"),
    ],
)
def test_the_tasks_name_is_found_by_its_run(prefect: PrefectDatabase, name: str, key: str, dynamic_key: str, task: str):
    prefect.task_run(None, 0, name, task_key=key, dynamic_key=dynamic_key)
    taken(prefect)
    assert known().task_runs(RunFilter())[0].task_name == task


def test_a_run_that_went_on_since_is_updated(prefect: PrefectDatabase):
    id = prefect.flow_run(0, "draft")
    prefect.state("flow_run", id, "RUNNING", 1)
    taken(prefect)
    prefect.state("flow_run", id, "COMPLETED", 5, data='{"type": "literal", "value": true}')
    prefect.change("UPDATE flow_run SET name = 'final'")
    assert counts(taken(prefect), "flow runs") == (1, 0, 0, 1, 0, 1)
    (run,) = known().flow_runs(RunFilter())
    assert (run.name, run.state_type, run.run_count, get_result(run.id)) == ("final", S.COMPLETED, 1, True)
    assert counts(taken(prefect), "flow runs") == (1, 1, 0, 0, 0, 1)


def test_what_was_taken_over_makes_no_events(prefect: PrefectDatabase):
    prefect.state("flow_run", prefect.flow_run(), "FAILED", 1)
    before = time.time_ns() // 1_000 << 10
    taken(prefect)
    assert list(session.current().orchestrator.services.states_after(before, 10)) == []


# Results


def reference(storage_id: str, key: str) -> str:
    named = {"type": "reference", "storage_block_id": storage_id, "storage_key": key, "serializer_type": "json"}
    return json.dumps(named)


def test_results_are_had_from_where_they_lie(prefect: PrefectDatabase, tmp_path: Path):
    document = {"serializer": {"type": "json"}, "data": "[1, 2]", "prefect_version": "2.20.25"}
    (tmp_path / "rows").write_text(json.dumps(document))
    storage = prefect.block("local-file-system", "anonymous-x", {"basepath": str(tmp_path)}, is_anonymous=1)
    id = prefect.task_run(prefect.flow_run())
    report = prefect.add(
        "artifact", type="result", data=reference(storage, "rows"), description="Result of type `list`"
    )
    prefect.state("task_run", id, "COMPLETED", 1, result_artifact_id=report)
    assert counts(taken(prefect), "results") == (1, 0, 1, 0, 0, 1)
    assert get_result("load-0") == [1, 2]
    assert known().results(ResultFilter())[0].type == "builtins.list"
    assert list(known().artifacts(ArtifactFilter())) == []
    assert list(known().blocks()) == []  # it has no name


def test_results_of_a_form_that_is_not_read_are_kept(prefect: PrefectDatabase):
    id = prefect.flow_run()
    prefect.state("flow_run", id, "COMPLETED", 1, data='{"storage_key": "/x", "storage_block_id": null}')
    report = taken(prefect)
    assert counts(report, "results") == (1, 0, 0, 0, 1, 0)
    (row,) = kept_rows(report, "flow_run_state")
    assert (row["row"]["run_id"], row["row"]["data"]["storage_key"]) == (id, "/x")


# Log lines


def test_lines_that_came_after_their_run_had_ended_are_added(prefect: PrefectDatabase):
    id = prefect.flow_run()
    prefect.state("flow_run", id, "COMPLETED", 3)
    for message in ("twice", "twice"):
        prefect.line(id, None, 1, message)
    taken(prefect)
    prefect.line(id, None, 1, "twice")
    prefect.line(id, prefect.task_run(id), 2, "late")
    assert counts(taken(prefect), "log lines") == (4, 2, 2, 0, 0, 4)
    run = known().flow_runs(RunFilter())[0].id
    assert [line.message for line in known().logs(run)] == ["twice", "twice", "twice", "late"]


def test_lines_of_runs_that_were_deleted_are_kept(prefect: PrefectDatabase):
    prefect.line(prefect.new_id(), None, 1, "of nobody")
    prefect.line(None, prefect.task_run(None), 1, "of a task")
    report = taken(prefect)
    assert counts(report, "log lines") == (2, 0, 1, 0, 1, 1)
    assert [row["row"]["message"] for row in kept_rows(report, "log")] == ["of nobody"]


# Artifacts


def test_artifacts_are_shown_as_here(prefect: PrefectDatabase):
    id = prefect.flow_run()
    report = {
        "markdown": '"# Tea"',
        "table": json.dumps(json.dumps([{"tea": 3}, {"oil": 4}])),
        "image": '"https://example.org/a.png"',
        "progress": "30",
        "drawing": '"x"',
    }
    for number, (kind, data) in enumerate(report.items()):
        made = {"created": f"2024-05-01 06:00:0{number}.0", "updated": f"2024-05-01 06:00:0{number}.0"}
        prefect.add("artifact", type=kind, data=data, key=kind, flow_run_id=id, **made)
    assert counts(taken(prefect), "artifacts") == (5, 0, 4, 0, 1, 4)
    found = {each.kind: json.loads(each.data) for each in known().artifacts(ArtifactFilter())}
    assert found["markdown"] == {"markdown": "# Tea"}
    assert found["table"] == {"columns": ["tea", "oil"], "rows": [[3, None], [None, 4]]}
    assert (found["image"], found["progress"]) == ({"url": "https://example.org/a.png"}, {"percent": 30.0})


# Blocks


def test_secrets_are_decrypted_and_encrypted_again(prefect: PrefectDatabase):
    prefect.block("secret", "token", {"value": "hunter2"}, ("value",))
    fields = {"bucket_path": "b/p", "aws_access_key_id": "AK", "aws_secret_access_key": "s3cret"}
    prefect.block("s3", "cloud", fields, ("aws_access_key_id", "aws_secret_access_key"))
    taken(prefect)
    assert Secret.load("token").get() == "hunter2"
    secret = S3.load("cloud").secret_access_key
    assert secret is not None
    assert secret.get_secret_value() == "s3cret"
    assert not any("hunter2" in each.data or "s3cret" in each.data for each in known().blocks())


def test_a_block_of_a_type_that_is_not_here_waits_for_its_class(prefect: PrefectDatabase):
    inner = prefect.block("strongroom-login", "login", {"user": "me", "password": "hunter2"}, ("password",))
    fields = {"host": "db", "login": {"$ref": {"block_document_id": inner}}, "keys": {"a": "open sesame"}}
    prefect.block("strongroom", "main", fields, ("keys.*", "login.password"))
    report = taken(prefect)
    assert counts(report, "blocks") == (2, 0, 2, 0, 0, 2)
    assert {row["row"]["type"] for row in kept_rows(report, "block_document")} == {"strongroom-login", "strongroom"}
    assert not any("hunter2" in each.data or "open sesame" in each.data for each in known().blocks())

    class Strongroom(Block):
        host: str
        login: dict[str, Any]
        keys: dict[str, SecretStr]

    block = Strongroom.load("main")
    assert (block.host, block.keys["a"].get_secret_value()) == ("db", "open sesame")
    assert block.login["password"].get_secret_value() == "hunter2"


def test_a_block_that_no_key_opens_is_kept_as_it_is(prefect: PrefectDatabase, monkeypatch: pytest.MonkeyPatch):
    key = Fernet.generate_key()
    prefect.block("secret", "token", {"value": "hunter2"}, ("value",), key)
    report = taken(prefect)
    assert counts(report, "blocks") == (1, 0, 0, 0, 1, 0)
    (row,) = kept_rows(report, "block_document")
    assert "PREFECT_API_ENCRYPTION_KEY" in row["why"]
    monkeypatch.setenv("PREFECT_API_ENCRYPTION_KEY", key.decode())
    taken(prefect)
    assert Secret.load("token").get() == "hunter2"


def test_a_block_whose_name_is_taken_here_has_another_one(prefect: PrefectDatabase):
    Secret(value="ours").save("token")
    prefect.block("secret", "token", {"value": "theirs"}, ("value",))
    report = taken(prefect)
    assert (Secret.load("token").get(), Secret.load("token-prefect").get()) == ("ours", "theirs")
    assert kept_rows(report, "block_document")[0]["row"]["name_here"] == "token-prefect"


def test_fields_that_a_type_does_not_have_here_are_kept(prefect: PrefectDatabase):
    prefect.block("local-file-system", "dev", {"basepath": "/data", "colour": "red"})
    report = taken(prefect)
    assert LocalFileSystem.load("dev").basepath == Path("/data")
    assert kept_rows(report, "block_document")[0]["row"]["fields"] == {"colour": "red"}


# Variables and limits


def test_of_a_variable_the_newer_value_counts(prefect: PrefectDatabase):
    prefect.add("variable", name="region", value="eu", created=at_day(1), updated=at_day(2), tags='["geo"]')
    prefect.add("variable", name="ours", value="theirs", created=at_day(1), updated=at_day(1), tags="[]")
    known().set_variable(VariableRecord("ours", '"mine"', micros_at(0), micros_at(9 * 86_400)), False)
    assert counts(taken(prefect), "variables") == (2, 1, 1, 0, 0, 2)
    prefect.change("UPDATE variable SET value = 'us', updated = ? WHERE name = 'region'", at_day(3))
    assert counts(taken(prefect), "variables") == (2, 1, 0, 1, 0, 2)
    assert {each.name: json.loads(each.value) for each in known().variables()} == {"region": "us", "ours": "mine"}


def test_limits_that_are_here_already_stay_as_they_are(prefect: PrefectDatabase):
    known().limits.put(Limit("io", 1, None, 1))
    prefect.add("concurrency_limit", tag="io", concurrency_limit=3, created=at_day(1))
    prefect.add("concurrency_limit", tag="db", concurrency_limit=4, created=at_day(1))
    rate = {"name": "api", "limit": 2, "slot_decay_per_second": 0.5, "active": 1}
    prefect.add("concurrency_limit_v2", **rate, created=at_day(1))
    report = taken(prefect)
    assert counts(report, "limits") == (3, 0, 2, 0, 1, 2)
    assert {each.name: (each.slots, each.decay) for each in known().limits.all()} == {
        "io": (1, None),
        "db": (4, None),
        "api": (2, 0.5),
    }


def at_day(day: int) -> str:
    return f"2024-05-{day:02} 06:00:00.000000"


# What has no place


def test_what_runs_have_not_here_is_kept_and_tables_that_are_not_read_are_counted(prefect: PrefectDatabase):
    run = prefect.flow_run(deployment_id="d-1")
    prefect.add("events")
    report = taken(prefect)
    assert report.left == {"events": 1}
    of_run = kept_rows(report, "flow_run")[0]["row"]
    assert (of_run["id"], of_run["deployment_id"]) == (run, "d-1")
    assert Path(report.file or "").stat().st_mode & 0o077 == 0


# The source and the target


def test_a_dry_run_counts_and_keeps_nothing(prefect: PrefectDatabase, home: Path):
    prefect.line(prefect.flow_run(deployment_id="d-1"), None, 1, "x")
    prefect.block("secret", "token", {"value": "hunter2"}, ("value",))
    before = dump(prefect.file)
    report = taken(prefect, dry_run=True)
    assert [counts(report, of)[2] for of in ("flow runs", "log lines", "blocks")] == [1, 1, 1]
    assert (list(known().flow_runs(RunFilter())), list(known().blocks()), report.file) == ([], [], None)
    assert not (home / "taken-over").exists()
    assert dump(prefect.file) == before


def test_prefect_may_write_while_it_is_read(prefect: PrefectDatabase):
    prefect.flow_run(0, "before")
    names: list[str] = []

    def write(of: str, done: int, total: int) -> None:
        if not names:  # the first page was read
            prefect.flow_run(5, "during")
        names.append(of)

    report = take_over(str(prefect.file), known(), write)
    assert counts(report, "flow runs") == (1, 0, 1, 0, 0, 1)
    assert counts(taken(prefect), "flow runs") == (2, 1, 1, 0, 0, 2)


def test_an_interrupted_takeover_goes_through_when_it_is_repeated(prefect: PrefectDatabase, tmp_path: Path):
    for number in range(3):
        id = prefect.task_run(prefect.flow_run(number), number)
        prefect.state("task_run", id, "COMPLETED", number)
    targets = [EmbeddedOrchestrator(SQLite(tmp_path / f"{each}.db", 5.0)) for each in ("broken", "whole")]
    with pytest.raises(KeyboardInterrupt):
        take_over(str(prefect.file), targets[0], interrupt)
    for target in targets:
        assert taken(prefect, target).is_whole
        target.close()
    assert dump(tmp_path / "broken.db") == dump(tmp_path / "whole.db")


def interrupt(of: str, done: int, total: int) -> None:
    if of == "task runs":
        raise KeyboardInterrupt


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["flow run", "task run", "state", "line", "take over"]), st.integers(0, 3)), max_size=15
)


@pytest.mark.slow
@settings(max_examples=15)
@given(steps=STEPS)
def test_taking_over_again_and_again_is_as_once(steps: list[Step]):
    with TemporaryDirectory() as folder:
        often = EmbeddedOrchestrator(SQLite(Path(folder, "often.db"), 5.0))
        once = EmbeddedOrchestrator(SQLite(Path(folder, "once.db"), 5.0))
        with closing(PrefectDatabase(Path(folder, "prefect.db"))) as prefect:
            for second, step in enumerate(steps):
                happen(prefect, step, second, often)
            taken(prefect, often)
            before = dump(Path(folder, "often.db"))
            taken(prefect, often)
            assert dump(Path(folder, "often.db")) == before
            taken(prefect, once)
        often.close()
        once.close()
        assert rows_of(Path(folder, "often.db")) == rows_of(Path(folder, "once.db"))


def happen(prefect: PrefectDatabase, step: Step, second: int, target: Orchestrator) -> None:
    """Something happens in Prefect, or it is taken over; runs are chosen among the last ones."""
    what, which = step
    flows, tasks = runs_of(prefect, "flow_run"), runs_of(prefect, "task_run")
    if what == "flow run":
        prefect.flow_run(second)
    elif what == "task run":
        prefect.task_run(flows[which % len(flows)] if flows else None, second)
    elif what == "take over":
        taken(prefect, target)
    elif what == "state" and tasks + flows:
        id = (tasks + flows)[which % len(tasks + flows)]
        kind = ("PENDING", "RUNNING", "FAILED", "COMPLETED")[(second + which) % 4]
        prefect.state("task_run" if id in tasks else "flow_run", id, kind, second)
    elif what == "line" and flows:
        prefect.line(flows[which % len(flows)], None, which, "the same line")


def runs_of(prefect: PrefectDatabase, table: str) -> list[str]:
    with closing(sqlite3.connect(prefect.file)) as connection:
        return [id for (id,) in connection.execute(f"SELECT id FROM {table} ORDER BY created DESC LIMIT 3")]


def rows_of(file: Path) -> list[str]:
    """All rows, but for the numbers of log lines, which are given as they come."""
    return sorted(re.sub(r'(INSERT INTO "?log"? VALUES\()\d+,', r"\1", line) for line in dump(file))


def test_the_database_of_something_else_is_refused(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE flow_run (id)")
    with pytest.raises(MigrationError, match=r"is no database of Prefect 2's or 3's: it has no table 'block_document'"):
        take_over(str(tmp_path / "other.db"), known(), lambda *_: None)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/nowhere/prefect.db", "There is no database /nowhere/prefect.db"),
        ("sqlite+aiosqlite:////nowhere/prefect.db", "There is no database /nowhere/prefect.db"),
        ("mysql://me:secret@host/db", r"'mysql://me:\*+@host/db' is no database that can be read"),
    ],
)
def test_a_database_that_cannot_be_read_is_named(url: str, said: str):
    with pytest.raises(MigrationError, match=said):
        take_over(url, known(), lambda *_: None)


def test_a_folder_stands_for_the_database_in_it(prefect: PrefectDatabase):
    assert take_over(str(prefect.file.parent), known(), lambda *_: None).place == str(prefect.file)
