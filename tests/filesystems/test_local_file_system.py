import contextlib
import fcntl
import ntpath
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure._storages.local_files import is_inside, refused, temporary_name
from perdure.errors import ObjectMissing, StorageError, StorageKeyError
from perdure.filesystems import LocalFileSystem, Storage
from perdure.settings import temporary_settings
from perdure.testing.storage_conformance import StorageConformance

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture
def storage(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem(tmp_path / "base")


class TestLocalFileSystem(StorageConformance):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return LocalFileSystem(tmp_path / "base")


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_object_is_a_file_under_the_base_path(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("a/b.json", b"{}")
    assert (tmp_path / "base/a/b.json").read_bytes() == b"{}"
    assert storage.describe("a/b.json") == str(tmp_path / "base/a/b.json")


def test_nothing_is_made_before_the_first_write(storage: LocalFileSystem, tmp_path: Path) -> None:
    assert list(storage.list()) == []
    assert not (tmp_path / "base").exists()


def test_without_a_base_path_the_setting_decides_at_each_use(home: Path, tmp_path: Path) -> None:
    storage = LocalFileSystem()
    assert storage.describe("a") == str(home / "storage/a")
    with temporary_settings(local_storage_path=tmp_path / "other"):
        assert storage.describe("a") == str(tmp_path / "other/a")


def test_without_a_base_path_the_record_names_the_path_of_the_time(home: Path) -> None:
    assert LocalFileSystem().record()[:4] == LocalFileSystem(home / "storage").record()[:4]


def test_a_relative_base_path_does_not_move_with_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = LocalFileSystem("base")
    monkeypatch.chdir("/")
    assert storage.describe("a") == str(tmp_path / "base/a")


def test_a_tilde_in_the_base_path_is_the_users_home() -> None:
    assert LocalFileSystem("~/x").basepath == Path.home() / "x"


def test_a_linked_directory_that_leads_outside_is_refused(storage: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"s")
    storage.write("a", b"x")
    (tmp_path / "base/link").symlink_to(tmp_path / "outside")
    for operation in (storage.read, storage.exists, storage.delete, lambda key: storage.write(key, b"x")):
        with pytest.raises(StorageKeyError, match=r"'link/secret' leaves the storage.*symbolic link to"):
            operation("link/secret")
    assert (tmp_path / "outside/secret").read_bytes() == b"s"


def test_a_linked_file_that_leads_outside_is_refused(storage: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    storage.write("a", b"x")
    (tmp_path / "base/link").symlink_to(tmp_path / "secret")
    for operation in (storage.read, storage.exists):
        with pytest.raises(StorageKeyError, match="leaves the storage"):
            operation("link")


def test_writing_replaces_a_link_and_not_what_it_leads_to(storage: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    storage.write("a", b"x")
    (tmp_path / "base/link").symlink_to(tmp_path / "secret")
    storage.write("link", b"mine")
    assert (tmp_path / "secret").read_bytes() == b"s"
    assert storage.read("link") == b"mine"


def test_links_that_stay_inside_are_followed(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("real/a", b"x")
    (tmp_path / "base/folder").symlink_to(tmp_path / "base/real")
    (tmp_path / "base/file").symlink_to("real/a")
    assert storage.read("folder/a") == storage.read("file") == b"x"
    assert storage.exists("file")


def test_a_base_path_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "base").symlink_to(tmp_path / "real")
    LocalFileSystem(tmp_path / "base").write("a/b", b"x")
    assert (tmp_path / "real/a/b").read_bytes() == b"x"


def test_a_file_in_the_way_of_a_directory_is_named(storage: LocalFileSystem) -> None:
    storage.write("a", b"x")
    with pytest.raises(StorageError, match=r"Cannot write .*/a/b: a file stands where a directory is needed. Move"):
        storage.write("a/b", b"x")


def test_a_directory_in_the_way_of_a_file_is_named_and_nothing_is_left(
    storage: LocalFileSystem, tmp_path: Path
) -> None:
    storage.write("a/b", b"x")
    with pytest.raises(StorageError, match=r"Cannot write .*/a: a directory stands there. Choose another key"):
        storage.write("a", b"x")
    assert files_in(tmp_path) == {"base/a/b"}


def test_a_name_too_long_for_the_system_is_named(storage: LocalFileSystem) -> None:
    with pytest.raises(StorageError, match=r"too long. Shorten the key"):
        storage.write("k" * 300, b"x")


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """The system refuses files beyond 4 KiB, in the middle of a write, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("file_size_limit")
def test_pieces_that_find_no_room_leave_nothing(storage: LocalFileSystem, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot write .*/a: File too large"), storage.open_writer("a") as writer:
        writer.write(b"x" * 100_000)
    assert files_in(tmp_path) == set()


@pytest.mark.usefixtures("file_size_limit")
def test_a_write_that_fails_half_way_leaves_what_was_there(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("a", b"before")
    with pytest.raises(StorageError, match="File too large"):
        storage.write("a", b"x" * 10_000)
    assert storage.read("a") == b"before"
    assert files_in(tmp_path) == {"base/a"}


def test_a_full_disk_is_named_with_its_mend() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space") as caught:
        full.write(b"x")
    assert "Cannot write /x: the disk is full. Free some space there" in str(refused("write", "/x", caught.value))


def in_child(work: Callable[[], str]) -> Callable[[], str]:
    """Do the work in a forked process; what is returned waits for what it comes to."""
    reader, writer = os.pipe()
    if not (pid := os.fork()):
        try:
            os.write(writer, work().encode())
        finally:
            os._exit(0)
    os.close(writer)

    def wait() -> str:
        with os.fdopen(reader) as answer:
            text = answer.read()
        os.waitpid(pid, 0)
        return text

    return wait


def test_a_directory_without_permission_is_named(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("a", b"x")
    (tmp_path / "base").chmod(0o500)

    def write() -> str:
        if os.geteuid() == 0:
            os.setuid(65534)  # the superuser is refused nothing
        with pytest.raises(StorageError) as caught:
            storage.write("b", b"x")
        return str(caught.value)

    assert f"Cannot write {tmp_path}/base/b: permission is denied. Give this user access" in in_child(write)()


def test_what_an_interrupted_write_left_is_not_listed(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("a/b", b"x")
    (tmp_path / "base/a/.tmp-1").write_bytes(b"half")
    assert list(storage.list()) == ["a/b"]


def test_processes_write_one_key_and_one_new_directory_at_once(storage: LocalFileSystem, tmp_path: Path) -> None:
    def write(who: str) -> str:
        for number in range(50):
            storage.write(f"a/b/{who}-{number}", who.encode())
            storage.write("shared", who.encode() * 10)
        return "done"

    child = in_child(lambda: write("child"))
    write("parent")
    assert child() == "done"
    assert len(files_in(tmp_path)) == 101
    assert storage.read("shared") in (b"parent" * 10, b"child" * 10)


def test_a_missing_object_is_a_file_not_found(storage: LocalFileSystem) -> None:
    with pytest.raises(FileNotFoundError):
        storage.read("a")
    with pytest.raises(ObjectMissing, match=r"base/a. It was deleted or moved, or never written"):
        storage.read("a")


def test_a_key_in_use_is_not_created_again(storage: LocalFileSystem) -> None:
    storage.create("a", b"before")
    with pytest.raises(StorageError, match=r"Cannot write .*/a: something is kept there already. Choose another key"):
        storage.create("a", b"after")
    with pytest.raises(StorageError, match="something is kept there already"), storage.open_writer("a"):
        pass
    assert storage.read("a") == b"before"


@pytest.mark.timeout(10)
def test_what_is_no_file_is_not_waited_for_and_is_nothing(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("real", b"x")
    os.mkfifo(tmp_path / "base/pipe")
    (tmp_path / "base/link").symlink_to("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        with contextlib.chdir(tmp_path):  # the path of a socket has to be short
            server.bind("base/socket")
        for key in ("pipe", "link", "socket"):
            assert not storage.exists(key)
            for read in (
                storage.read,
                lambda key: storage.read_range(key, 0, 1),
                lambda key: storage.read_large(key, 1),
            ):
                with pytest.raises(ObjectMissing, match=f"Nothing is stored at .*/{key}"):
                    read(key)


def test_what_an_interrupted_write_of_this_thread_left_is_replaced(storage: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / temporary_name()).write_bytes(b"left by Ctrl-C between opening and writing")
    storage.write("a", b"x")
    assert storage.read("a") == b"x"
    assert files_in(tmp_path) == {"base/a"}


@pytest.fixture
def no_descriptors() -> Iterator[None]:
    """The process has as many files open as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("count", [1, 30])
def test_a_flush_that_the_system_refuses_is_an_error_of_the_storage(
    storage: LocalFileSystem, request: pytest.FixtureRequest, count: int
) -> None:
    keys = [f"a{number}" for number in range(count)]
    for key in keys:
        storage.write(key, b"x")
    storage.sync(keys)
    request.getfixturevalue("no_descriptors")
    with pytest.raises(StorageError, match="Cannot flush .*Too many open files"):
        storage.sync(keys)


def test_a_disk_of_a_mac_without_a_full_flush_is_flushed_as_others_are(
    storage: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write("a", b"x")
    flushed = []
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)  # which this system does not know
    monkeypatch.setattr(os, "fsync", flushed.append)
    storage.sync(["a"])
    assert len(flushed) >= 2  # the file, and its folders


def test_without_times_that_show_changes_there_is_no_fingerprint(
    storage: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perdure._storages.local_files._MARKS", False)  # as on Windows
    with storage.open_writer("a") as writer:
        writer.write(b"x")
    assert storage.read("a") == b"x"
    assert storage.fingerprint("a") is None


def test_another_drive_is_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "path", ntpath)
    assert is_inside("C:\\base\\a", "C:\\base")
    assert not is_inside("C:\\other", "C:\\base")
    assert not is_inside("D:\\base", "C:\\base")


def test_a_mapping_goes_with_the_last_view_of_it(storage: LocalFileSystem) -> None:
    storage.write("a", b"x" * 100_000)
    part = storage.read_large("a", 100_000)[50:60]
    storage.delete("a")
    assert part == b"x" * 10
    maps = Path("/proc/self/maps").read_text
    assert "/base/a" in maps()
    del part
    assert "/base/a" not in maps()


def test_a_change_in_place_changes_the_fingerprint_at_once(storage: LocalFileSystem, tmp_path: Path) -> None:
    for number in range(20):
        key = f"a{number}"
        with storage.open_writer(key) as writer:
            writer.write(b"before")
        before = storage.fingerprint(key)
        assert before is not None
        with (tmp_path / "base" / key).open("r+b") as file:  # within the same tick of the system's clock
            file.write(b"after!")
        assert storage.fingerprint(key) != before


def test_what_is_too_young_to_be_distinguished_has_no_fingerprint(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("a", b"before")
    assert storage.fingerprint("a") is None
    os.utime(tmp_path / "base/a", ns=(1, 1))
    assert storage.fingerprint("a") is None  # its inode has just changed


def test_what_a_killed_writer_left_is_found_and_removed(storage: LocalFileSystem, tmp_path: Path) -> None:
    storage.write("a/b", b"x")
    left = tmp_path / "base/a/.tmp-1"
    left.write_bytes(b"half")
    modified = left.stat().st_mtime_ns // 1_000
    assert list(storage.unfinished(modified)) == []
    assert [(each.key, each.size) for each in storage.unfinished(modified + 1)] == [("a/.tmp-1", 4)]
    storage.discard("a/.tmp-1")
    storage.discard("a/.tmp-1")
    assert files_in(tmp_path) == {"base/a/b"}


@pytest.mark.parametrize("name", ["a/b", "../.tmp-1", "/.tmp-1", "a/../.tmp-1"])
def test_only_what_is_unfinished_is_discarded(storage: LocalFileSystem, tmp_path: Path, name: str) -> None:
    storage.write("a/b", b"x")
    (tmp_path / ".tmp-1").write_bytes(b"x")
    with pytest.raises(StorageKeyError):
        storage.discard(name)
    assert files_in(tmp_path) == {"base/a/b", ".tmp-1"}


def test_a_folder_is_listed_while_its_files_are_deleted(storage: LocalFileSystem) -> None:
    keys = {f"{number % 3}/{number}" for number in range(300)}
    for key in keys:
        storage.write(key, b"x")
    found = set()
    for entry in storage.entries():
        storage.delete(entry.key)
        found.add(entry.key)
    assert found == keys
