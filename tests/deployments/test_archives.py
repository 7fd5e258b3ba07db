"""Zips of code: the same for the same files, and nothing that comes out of one leaves its folder."""

import io
import json
import os
import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure._platform.projects import MARK, project_of_folder
from perdure._rooms.deployments import archives
from perdure._rooms.deployments.archives import names_in, packed, unpack
from perdure.errors import BundleError
from tests.deployments.repositories import git


def made(folder: Path, *names: str) -> Path:
    """A folder with files of these names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")
    return folder


def chosen(folder: Path, *exclude: str) -> set[str]:
    return set(names_in(packed(folder, exclude))) - {MARK}


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip with members as they are given, whatever their names."""
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of a name that is there twice
        for member, data in members:
            info = member if isinstance(member, zipfile.ZipInfo) else named(member)
            info.compress_type = compression
            archive.writestr(info, data)
    return made.getvalue()


def named(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename, info.external_attr = name, (kind | 0o644) << 16
    return info


def test_what_is_unpacked_is_what_was_packed(tmp_path: Path) -> None:
    folder = made(tmp_path / "a", "jobs/report.py", "jobs/data/æ ø.txt")
    (folder / "jobs/report.py").chmod(0o755)
    unpack(packed(folder), tmp_path / "b")
    for name in ("jobs/report.py", "jobs/data/æ ø.txt"):
        assert (tmp_path / "b" / name).read_bytes() == (folder / name).read_bytes()
    assert os.access(tmp_path / "b/jobs/report.py", os.X_OK)
    assert not os.access(tmp_path / "b/jobs/data/æ ø.txt", os.X_OK)


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    names = ["b.py", "a/c.py", "pyproject.toml"]
    one, other = made(tmp_path / "one", *names), made(tmp_path / "other", *reversed(names))
    for folder in (one, other):
        (folder / "pyproject.toml").write_text('[project]\nname = "shop"\n')
    os.utime(one / "b.py", (1, 1))
    assert packed(one) == packed(other)
    (other / "b.py").write_text("changed")
    assert packed(one) != packed(other)


def test_a_repositorys_bundle_has_what_git_has_or_would_add(tmp_path: Path) -> None:
    folder = made(tmp_path, "kept.py", "gone.py", "new.py", "ignored.csv", ".hidden", ".env", ".venv/pyvenv.cfg")
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("*.csv\n")
    git(folder, "add", "kept.py", "gone.py", ".hidden")
    (folder / "gone.py").unlink()
    assert chosen(folder) == {"kept.py", "new.py", ".hidden", ".gitignore"}


def test_elsewhere_it_has_all_but_what_is_hidden_or_installed(tmp_path: Path) -> None:
    folder = made(
        tmp_path,
        *("a.py", "b/c.txt", ".hidden/x", "b/.env", "b/__pycache__/a.pyc"),
        *("node_modules/x.js", "own/pyvenv.cfg", "own/lib/x.py", "data/x.csv", "b/y.csv"),
    )
    assert chosen(folder) == {"a.py", "b/c.txt", "data/x.csv", "b/y.csv"}
    assert chosen(folder, "data") == {"a.py", "b/c.txt", "b/y.csv"}
    assert chosen(folder, "*.csv", "b/c*") == {"a.py"}


def test_a_link_in_the_folder_is_packed_as_its_file_and_one_out_of_it_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "a", "real.py")
    (folder / "link.py").symlink_to("real.py")
    unpack(packed(folder), tmp_path / "b")
    assert not (tmp_path / "b/link.py").is_symlink()
    assert (tmp_path / "b/link.py").read_text() == "content of real.py"
    (folder / "out.py").symlink_to(made(tmp_path, "secret") / "secret")
    with pytest.raises(BundleError, match="out.py is a link"):
        packed(folder)
    assert "out.py" not in names_in(packed(folder, ["out.py"]))


@pytest.mark.parametrize(
    ("limit", "says"), [("MOST_FILES", "3 files"), ("MOST_BYTES", "take more"), ("MOST_PACKED", "takes")]
)
def test_too_much_is_not_packed(limit: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, limit, 2)
    with pytest.raises(BundleError, match=f"{says}.*exclude="):
        packed(made(tmp_path, "a.py", "b.py", "c.py"))


@pytest.mark.parametrize("declared", ["shop", None])
def test_the_copy_is_of_the_project_that_it_was_made_of(declared: str | None, tmp_path: Path) -> None:
    folder = made(tmp_path / "a", "jobs/report.py")
    if declared is not None:
        (tmp_path / "a/pyproject.toml").write_text(f'[project]\nname = "{declared}"\n')
        folder = tmp_path / "a" / "jobs"  # the project's name is above it
    unpack(packed(folder), tmp_path / "b")
    made(tmp_path / "b", "deep/x.py"), made(folder, "deep/x.py")
    for inside in (".", "deep"):
        assert project_of_folder(tmp_path / "b" / inside) == project_of_folder(folder / inside)
    assert project_of_folder(folder).startswith("shop//jobs" if declared else "/")


PARTS = ["a", "b", ".", "..", "/", "\\", ":", "~", "C", "\n", " "]
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(names=st.lists(NAMES, min_size=1, max_size=3))
def test_whatever_the_names_in_a_zip_nothing_is_written_elsewhere(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    above = tmp_path_factory.getbasetemp() / "names"
    folder = above / "x" / "y" / "copy"
    folder.parent.mkdir(parents=True, exist_ok=True)
    before = set(Path(above).rglob("*"))
    try:
        unpack(zipped(*((name, b"data") for name in names)), folder)
    except BundleError:
        written = set()
    else:
        written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert written == set(names)
    assert {path for path in above.rglob("*") if not path.is_relative_to(folder)} == before
    for path in sorted(folder.rglob("*"), reverse=True) if folder.exists() else ():
        path.rmdir() if path.is_dir() else path.unlink()
    if folder.exists():
        folder.rmdir()


ENCRYPTED = bytearray(zipped(("a.py", b"data")))
ENCRYPTED[6] = ENCRYPTED[ENCRYPTED.index(b"PK\x01\x02") + 8] = 1
LYING = bytearray(zipped(("a.py", b"0123456789")))
LYING[LYING.index(b"PK\x01\x02") + 24] = 3  # the size, where all members are listed


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "cannot be unpacked"),
        (b"PK" + bytes(100), "cannot be unpacked"),
        (zipped((named("a", stat.S_IFLNK), b"/etc/passwd")), "is a link"),
        (zipped((named("a", stat.S_IFIFO), b"")), "no file"),
        (zipped((named("a/", stat.S_IFDIR), b"")), "could leave the folder"),
        (zipped(("a", b"1"), ("a", b"2")), "cannot be unpacked"),
        (zipped(("a", b"1"), ("a/b", b"2")), "cannot be unpacked"),
        (zipped(("a" * 2_000, b"1")), "could leave the folder"),
        (zipped(("a", b"1"), compression=zipfile.ZIP_LZMA), "compressed in a way"),
        (bytes(ENCRYPTED), "cannot be unpacked"),
        (bytes(LYING), "cannot be unpacked"),
        (zipped(("a", b"0" * 4_000), ("b", b"0" * 4_000), compression=zipfile.ZIP_DEFLATED), "take more than"),
        (zipped(*((f"{number}", b"") for number in range(12))), "12 files"),
    ],
)
def test_what_no_bundle_has_is_refused(data: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 5_000)
    monkeypatch.setattr(archives, "MOST_FILES", 10)
    with pytest.raises(BundleError, match=says):
        unpack(data, tmp_path / "copy")
    assert not any(path.is_symlink() or path.is_fifo() for path in tmp_path.rglob("*"))


def test_sizes_are_counted_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = zipped(("a", b"0" * 4_000))
    monkeypatch.setattr(archives, "_check", lambda _: None)
    monkeypatch.setattr(archives, "MOST_BYTES", 3_000)
    with pytest.raises(BundleError, match="take more than"):
        unpack(data, tmp_path / "copy")


def test_the_mark_says_the_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "Shop"\n')
    with zipfile.ZipFile(io.BytesIO(packed(tmp_path))) as archive:
        assert json.loads(archive.read(MARK)) == {"project": "shop", "joint": "//"}
