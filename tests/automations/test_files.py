"""Files that appear in a folder, and objects in a storage."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from perdure import session, settings
from perdure._rooms.events.port import EventFilter
from perdure._server.services.files import Files
from perdure._server.services.runtime import ServiceRuntime
from perdure.automations import Automation, FileTrigger, Notify
from perdure.filesystems import RemoteFileSystem


class Looks:
    """Looks for files each time that it is asked to, as if it were begun anew."""

    def __init__(self) -> None:
        self.known = session.current().orchestrator
        self.outcome = ""

    def __call__(self) -> list[str]:
        """The keys of the files that have appeared until now, oldest first."""
        self.outcome = Files()(ServiceRuntime(self.known, settings.current()), None).text
        events = self.known.services.events(EventFilter(kind="file.appeared"))
        said = [json.loads(each.payload) for each in events]
        return [each["payload"]["key"] for each in sorted(said, key=lambda one: one["time"])]


@pytest.fixture
def looks(home: Path, monkeypatch: pytest.MonkeyPatch) -> Looks:
    monkeypatch.setenv("PERDURE_RESULTS_ALLOWED_STORAGES", "memory://incoming-objects")
    settings.reload()
    return Looks()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


def watch(storage: Any, **options: Any) -> None:
    Automation(name="files", trigger=FileTrigger(storage=str(storage), **options), actions=[Notify()]).apply()


def test_a_file_that_appears_is_one_event_once_it_is_whole(looks: Looks, folder: Path) -> None:
    (folder / "old.csv").write_text("there before")
    watch(folder, pattern="*.csv")
    assert looks() == []
    (folder / "new.csv").write_text("a")
    (folder / "other.txt").write_text("a")
    assert looks() == []  # it may still be being written
    (folder / "new.csv").write_text("ab")
    assert looks() == []
    assert [looks(), looks()] == [["new.csv"]] * 2


def test_another_version_of_a_file_is_another_event(looks: Looks, folder: Path) -> None:
    (folder / "a.csv").write_text("1")
    watch(folder)
    looks()
    (folder / "a.csv").write_text("23")
    looks()
    assert looks() == ["a.csv"]
    (folder / "a.csv").unlink()
    looks()
    (folder / "a.csv").write_text("456")
    looks()
    assert looks() == ["a.csv", "a.csv"]


def test_only_what_is_under_the_prefix_counts(looks: Looks, folder: Path) -> None:
    (folder / "raw").mkdir()
    watch(folder, prefix="raw/", pattern="*.csv")
    looks()
    for name in ("raw/a.csv", "b.csv"):
        (folder / name).write_text("x")
    looks()
    assert looks() == ["raw/a.csv"]


def test_what_is_in_another_place_does_not_count(looks: Looks, folder: Path) -> None:
    watch(folder, pattern="*.csv")
    looks()
    (folder / "a.txt").write_text("x")
    watch(folder, pattern="*.txt")
    assert [looks(), looks(), looks()] == [[], [], []]


def test_an_object_of_a_saved_storage_is_whole_at_once(looks: Looks) -> None:
    storage = RemoteFileSystem(basepath="memory://incoming-objects")
    watch(storage.save("incoming"))
    looks()
    storage.write("raw/a", b"x")
    assert looks() == ["raw/a"], looks.outcome


def test_a_storage_that_is_not_there_is_named(looks: Looks) -> None:
    watch("s3/none")
    looks()
    assert "There is no saved storage 's3/none'" in looks.outcome
    with pytest.raises(ValidationError, match="no absolute path"):
        FileTrigger(storage="relative")
