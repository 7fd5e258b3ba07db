"""Importing documents that the database does not know."""

import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from perdure import flow, session, settings
from perdure._results import result_import as importing
from perdure.errors import BlockError, StorageError
from perdure.filesystems import LocalFileSystem
from perdure.records import ResultFilter, ResultRecord, RunFilter
from perdure.results import get_result, import_results
from perdure.states import StateType

PREFECT = json.loads((Path(__file__).parents[1] / "serializers" / "golden" / "prefect_2_20_25.json").read_text())
WRITTEN = 1_700_000_000  # seconds since 1970


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with two documents of Prefect 2."""
    folder = tmp_path / "prefect"
    put(folder / "8f0e5d0c9a7b6e218f0e5d0c9a7b6e21", PREFECT["pickle"])
    put(folder / "rows" / "json", PREFECT["json_datetime"])
    return folder


def put(path: Path, document: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document)
    os.utime(path, (WRITTEN, WRITTEN))


def records() -> Iterator[ResultRecord]:
    return iter(session.current().orchestrator.results(ResultFilter()))


def named(key: str) -> str:
    """The id of the task run that a document became."""
    (run,) = session.current().orchestrator.task_runs(RunFilter(name=key))
    return run.id


def test_every_document_becomes_a_task_run_of_one_flow_run(place: Path):
    summary = import_results(place)
    known = session.current().orchestrator
    (run,) = known.flow_runs(RunFilter())
    assert (run.id, run.flow_name, run.state_type) == (summary.flow_run_id, "prefect-import", StateType.COMPLETED)
    runs = known.task_runs(RunFilter(flow_run_ids=(run.id,)))
    assert {each.name for each in runs} == {"8f0e5d0c9a7b6e218f0e5d0c9a7b6e21", "rows/json"}
    assert {(each.state_type, each.created) for each in runs} == {(StateType.COMPLETED, WRITTEN * 1_000_000)}
    assert (summary.imported, summary.known, summary.others) == (2, 0, 0)
    assert summary.size == sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def test_an_imported_value_is_had_by_its_run(place: Path):
    import_results(place)
    assert get_result(named("8f0e5d0c9a7b6e218f0e5d0c9a7b6e21"))["text"] == "naïve ☃"
    assert get_result(named("rows/json")).year == 2024


def test_another_process_finds_what_was_imported(place: Path):
    import_results(place)
    run_id = named("rows/json")
    session.close()
    assert get_result(run_id).year == 2024


def test_nothing_is_unpickled_and_no_file_is_touched(place: Path, tmp_path: Path):
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    import base64

    data = base64.encodebytes(pickle.dumps(Trap())).decode()
    put(place / "trap", json.dumps({"serializer": {"type": "pickle"}, "data": data, "prefect_version": "2.20.25"}))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.rglob("*") if path.is_file()}
    assert import_results(place).imported == 3
    assert not (tmp_path / "sprung").exists()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_importing_again_adds_only_what_is_new(place: Path):
    import_results(place)
    put(place / "new", PREFECT["json"])
    again = import_results(place)
    assert (again.imported, again.known) == (1, 2)
    last = import_results(place)
    assert (last.imported, last.known, last.flow_run_id) == (0, 3, None)
    assert len(list(records())) == 3


def test_results_of_ones_own_runs_are_known_already(tmp_path: Path):
    storage = LocalFileSystem(basepath=tmp_path / "shared")

    @flow(persist_result=True, result_storage=storage)
    def own() -> list[int]:
        return [1]

    own()
    put(tmp_path / "shared" / "theirs", PREFECT["json"])
    summary = import_results(storage)
    assert (summary.imported, summary.known) == (1, 1)


def test_a_database_that_was_lost_is_filled_again_from_its_storage(tmp_path: Path, home: Path):
    storage = LocalFileSystem(basepath=tmp_path / "kept")

    @flow(persist_result=True, result_storage=storage)
    def own(size: int) -> bytes:
        return bytes(size)

    own(3)
    own(200_000)  # has a payload beside its document
    session.close()
    settings.reload()
    (home / "perdure.db").rename(tmp_path / "lost.db")
    summary = import_results(storage)
    assert (summary.imported, summary.others) == (2, 0)
    assert summary.size == sum(path.stat().st_size for path in (tmp_path / "kept").iterdir())
    assert sorted(len(get_result(each.run_id)) for each in records()) == [3, 200_000]
    assert {each.type for each in records()} == {"builtins.bytes"}


def test_other_files_are_counted_and_named(place: Path):
    for number in range(12):
        put(place / "notes" / f"{number:02}.txt", "{}")
    put(place / "torn", PREFECT["json"][:-20])
    put(place / "large", "x" * 2_000_000)
    summary = import_results(place)
    assert (summary.imported, summary.others, len(summary.examples)) == (2, 14, 10)
    assert set(summary.examples) <= {"torn", "large", *(f"notes/{number:02}.txt" for number in range(12))}


def test_names_that_no_key_can_have_are_passed_over(place: Path):
    Path(os.fsdecode(bytes(place) + b"/\xff\xfe")).write_text(PREFECT["json"])
    put(place / "line\nbreak", PREFECT["json"])
    summary = import_results(place)
    assert (summary.imported, summary.others) == (2, 2)
    assert "\\udcff\\udcfe" in summary.examples


class Failing(LocalFileSystem):
    """A storage that fails after so many reads."""

    reads: ClassVar[int] = 0

    def read(self, key: str) -> bytes:
        if Failing.reads == 0:
            raise StorageError("The connection was lost.")
        Failing.reads -= 1
        return super().read(key)


def test_an_import_that_fails_keeps_what_it_had(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importing, "_BATCH", 1)
    monkeypatch.setattr(Failing, "reads", 1)
    with pytest.raises(StorageError, match="lost"):
        import_results(Failing(basepath=place))
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert run.state_type is StateType.FAILED
    assert len(list(records())) == 1
    monkeypatch.setattr(Failing, "reads", 1)
    assert import_results(Failing(basepath=place)).imported == 1


def test_an_import_that_fails_at_once_leaves_no_run(place: Path):
    with pytest.raises(StorageError):
        import_results(Failing(basepath=place))
    assert not session.current().orchestrator.flow_runs(RunFilter())


def test_a_dry_run_keeps_nothing(place: Path):
    summary = import_results(place, dry_run=True)
    assert (summary.imported, summary.flow_run_id) == (2, None)
    known = session.current().orchestrator
    assert not [*known.flow_runs(RunFilter()), *known.task_runs(RunFilter()), *records()]


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("json", "builtins.dict"),
        ("json_datetime", "datetime.datetime"),
        ("json_exception", "builtins.ValueError"),
        ("json_nan", "builtins.float"),
        ("pickle", "unknown"),
        ("compressed_json", "unknown"),
    ],
)
def test_the_type_is_what_shows_without_loading(tmp_path: Path, name: str, type: str):
    put(tmp_path / "one" / "document", PREFECT[name])
    import_results(tmp_path / "one")
    (record,) = records()
    assert record.type == type


def test_a_saved_storage_goes_by_its_slug(place: Path):
    slug = LocalFileSystem(basepath=place).save("old")
    assert import_results(slug, flow="old-pipeline").imported == 2
    (run,) = session.current().orchestrator.flow_runs(RunFilter())
    assert run.flow_name == "old-pipeline"


@pytest.mark.parametrize("where", ["/nowhere/at/all", "nowhere", "./a/b"])
def test_a_place_that_is_none_is_named(where: str):
    with pytest.raises(BlockError, match=f"There is no directory {where!r}"):
        import_results(where)
