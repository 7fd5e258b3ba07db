"""Files that appear in a folder, and objects in a storage."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from perdure import session, settings
from perdure._model.errors import StorageError
from perdure._rooms.automations.port import Automations, LogFilter
from perdure._rooms.events.port import EventFilter
from perdure._server.services import file_triggers
from perdure._server.services.file_triggers import Files
from perdure._server.services.runtime import ServiceRuntime
from perdure.automations import Automation, FileTrigger, Notify
from perdure.filesystems import S3, RemoteFileSystem
from tests.prepared import Prepared
from tests.s3_server import S3Server


class Looks:
    """Looks for files each time that it is asked to, as if it had just begun."""

    def __init__(self) -> None:
        self.known = session.current().orchestrator
        self.outcome = ""

    def __call__(self) -> list[str]:
        """The keys of the files that have appeared until now, oldest first."""
        self.until_done(Files())
        return self.keys()

    def until_done(self, service: Files) -> None:
        """Have a service look through all that there is."""
        runtime, is_done = ServiceRuntime(self.known, settings.current()), False
        while not is_done:
            self.outcome, _, is_done = service(runtime, None)

    def keys(self) -> list[str]:
        """The keys of the files that have appeared, oldest first."""
        events = self.known.services.events(EventFilter(kind="file.appeared"))
        said = [json.loads(each.payload) for each in events]
        return [each["payload"]["key"] for each in sorted(said, key=lambda one: one["time"])]


class Killed(BaseException):
    """A server ends here."""


class Kills:
    """Ends the server before or after one of its statements that write: the one with the number `at`, if any."""

    def __init__(self) -> None:
        self.at = self.statement = self.count = 0

    def hit(self, looks: Looks) -> None:
        """Look, and perhaps be killed."""
        self.statement = 0
        try:
            looks()
        except Killed:
            self.count += 1

    def _pass(self) -> None:
        self.statement += 1
        if self.statement == self.at:
            raise Killed

    def around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method whose callers may be killed."""

        def call(*arguments: Any) -> Any:
            self._pass()
            answer = method(*arguments)
            self._pass()
            return answer

        return call


@pytest.fixture
def kills(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> Kills:
    monkeypatch.setattr(file_triggers, "_PAGE", 2)
    made = Kills()
    services, room = looks.known.services, looks.known.room(Automations)
    monkeypatch.setattr(services, "add_events", made.around(services.add_events))
    monkeypatch.setattr(room, "note_files", made.around(room.note_files))
    return made


def refused(*_: object) -> Any:
    raise StorageError("the network is down")


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


def test_a_first_look_that_is_killed_anywhere_counts_nothing_that_was_there(
    looks: Looks, folder: Path, kills: "Kills"
) -> None:
    for name in "abcde":
        (folder / name).write_text("there before")
    watch(folder)
    for kills.at in range(1, 6):
        kills.hit(looks)
    kills.at = 0
    assert [looks(), looks()] == [[], []]
    assert kills.count == 5


def test_a_look_that_is_killed_anywhere_misses_nothing_and_reports_nothing_twice(
    looks: Looks, folder: Path, kills: "Kills"
) -> None:
    watch(folder)
    looks()
    for kills.at in range(1, 13):
        (folder / f"{kills.at:02}").write_text("x")
        kills.hit(looks)
    kills.at = 0
    looks()
    assert sorted(looks()) == [f"{each:02}" for each in range(1, 13)]
    assert kills.count > 6


def test_a_look_at_many_objects_continues_where_it_was(
    looks: Looks, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_triggers, "_PAGE", 2)
    monkeypatch.setattr(file_triggers, "_AT_ONCE", 4)
    for each in range(9):
        (folder / f"old-{each}").write_text("x")
    watch(folder)
    service, runtime = Files(), ServiceRuntime(looks.known, settings.current())
    assert [service(runtime, None).is_done for _ in range(3)] == [False, False, True]
    (folder / "old-3").unlink()
    for each in range(9):
        (folder / f"new-{each}").write_text("x")
    looks.until_done(Files())
    looks.until_done(Files())
    assert sorted(looks.keys()) == [f"new-{each}" for each in range(9)]
    room, watching = looks.known.room(Automations), looks.known.room(Automations).all()[0]
    assert "old-3" not in [each.key for each in room.files_after(watching.id, "", 99)]


def test_a_folder_that_went_away_forgets_nothing(looks: Looks, folder: Path, tmp_path: Path) -> None:
    (folder / "a").write_text("x")
    watch(folder)
    looks()
    folder.rename(tmp_path / "away")
    assert looks() == []
    assert "There is no folder" in looks.outcome
    (tmp_path / "away").rename(folder)
    assert [looks(), looks()] == [[], []]


def test_a_place_that_cannot_be_looked_at_is_said_once_in_the_log_and_others_are_looked_at(
    looks: Looks, folder: Path
) -> None:
    Automation(name="away", trigger=FileTrigger(storage="s3/none"), actions=[Notify()]).apply()
    watch(folder)
    for _ in range(3):
        looks()
    (folder / "a").write_text("x")
    looks()
    assert looks() == ["a"]
    lines = looks.known.room(Automations).log(LogFilter())
    assert [(each.outcome, each.reason.partition(":")[0]) for each in lines] == [("failed", "cannot look for files")]
    assert "There is no saved storage 's3/none'" in lines[0].reason


def test_a_file_whose_name_is_no_text_is_said_once_in_the_log_and_others_are_reported(
    looks: Looks, folder: Path
) -> None:
    watch(folder)
    service = Files()
    looks.until_done(service)
    Path(os.fsdecode(bytes(folder) + b"/latin-\xe5.csv")).write_text("x")
    (folder / "plain.csv").write_text("x")
    for _ in range(3):
        service._next.clear()  # as if the time had come
        looks.until_done(service)
    assert looks.keys() == ["plain.csv"]
    (line,) = looks.known.room(Automations).log(LogFilter())
    assert (line.outcome, "latin-\\udce5.csv" in line.reason) == ("ignored", True)


def test_the_log_says_when_a_place_can_be_looked_at_again(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(RemoteFileSystem(basepath="memory://incoming-objects").save("incoming"))
    monkeypatch.setattr(file_triggers, "_REST", 0)
    service, runtime = Files(), ServiceRuntime(looks.known, settings.current())
    with monkeypatch.context() as broken:
        broken.setattr(RemoteFileSystem, "entries", refused)
        service(runtime, None)
    service._next.clear()  # as if the time had come
    service(runtime, None)
    lines = looks.known.room(Automations).log(LogFilter())
    assert [each.reason for each in lines] == [
        "files can be looked for again",
        "cannot look for files: the network is down",
    ]


def test_an_address_is_a_place(looks: Looks) -> None:
    storage = RemoteFileSystem(basepath="memory://at-an-address")
    watch("memory://at-an-address", prefix="raw/")
    looks()
    storage.write("raw/a", b"x")
    storage.write("b", b"x")
    assert looks() == ["raw/a"], looks.outcome


@pytest.mark.parametrize("address", ["zip://a.zip::s3://bucket", "file:///etc", "s3://bucket/../other"])
def test_an_address_that_is_not_plain_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="no plain address"):
        FileTrigger(storage=address)


def test_a_storage_that_is_not_there_is_named(looks: Looks) -> None:
    watch("s3/none")
    looks()
    assert "There is no saved storage 's3/none'" in looks.outcome
    with pytest.raises(ValidationError, match="no absolute path"):
        FileTrigger(storage="relative")


@pytest.mark.slow
def test_objects_in_s3_are_reported_once_though_servers_are_killed(
    looks: Looks, s3_server: S3Server, s3_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.secret_access_key)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    storage = S3(**s3_server.fields(s3_prefix))
    storage.write("raw/old.csv", b"there before")
    watch(f"s3://{s3_prefix}", prefix="raw/", pattern="*.csv", every=1)
    room = looks.known.room(Automations)
    watching = room.all()[0].id
    written = list[str]()
    for turn in range(3):
        server = Prepared("-m", "perdure", "server", "start", "--port=0", stdout=subprocess.PIPE)
        assert server.stdout is not None
        server.stdout.readline()
        until(lambda: room.files(watching, [""]))  # it has looked for the first time
        for number in range(5):
            written.append(f"raw/{turn}-{number}.csv")
            storage.write(written[-1], b"x")
        already = len(looks.keys())
        until(lambda at=already: len(looks.keys()) > at)  # perhaps in the middle of its look
        server.kill()
        server.communicate()
    looks()
    assert sorted(looks()) == sorted(written), looks.outcome
    event = json.loads(looks.known.services.events(EventFilter(kind="file.appeared"))[0].payload)
    assert event["payload"]["url"].startswith(f"s3://{s3_prefix}/raw/")
    assert event["payload"]["size"] == 1


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
