"""Which files of a folder the patterns of a .gitignore leave out."""

from pathlib import Path

import pytest

from perdure._storages.ignored import Ignored
from perdure.errors import StorageKeyError
from perdure.filesystems import LocalFileSystem


@pytest.mark.parametrize(
    ("patterns", "left_out", "kept"),
    [
        ("*.pyc", "a.pyc b/c.pyc", "a.py pyc"),
        ("# a comment\n\n  \nb", "b a/b b/c", "# bb"),
        ("data/", "data/a x/data/b", "data x/data"),
        ("/top.txt", "top.txt", "a/top.txt"),
        ("a/b", "a/b a/b/c", "x/a/b ab"),
        ("**/logs", "logs a/logs/x a/b/logs", "a/logs.txt"),
        ("a/**", "a/b a/b/c", "a b/a"),
        ("a/**/z", "a/z a/b/c/z", "a/zz b/z"),
        ("a?.[ch]", "ab.c a1.h", "a.c ab.o a/.c"),
        ("[!a-c]x", "dx", "ax"),
        ("*.md\n!keep.md", "a.md", "keep.md b/keep.md"),
        ("docs/\n!docs/keep.md", "docs/keep.md", "keep.md"),
        ("\\#a", "#a", "a"),
        ("a.b", "a.b", "axb"),
    ],
)
def test_patterns_are_those_of_git(patterns: str, left_out: str, kept: str) -> None:
    ignored = Ignored(patterns)
    assert [name for name in left_out.split() if name not in ignored] == []
    assert [name for name in kept.split() if name in ignored] == []


def test_files_that_are_to_be_ignored_are_not_put(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    for name in ("a.py", "b.log", "inner/c.log", "inner/d.py"):
        (source / name).write_text(name)
    (tmp_path / "ignore").write_text("*.log\n")
    storage = LocalFileSystem(tmp_path / "kept")
    assert storage.put_directory(source, ignore_file=tmp_path / "ignore") == 2
    assert sorted(storage.list()) == ["a.py", "inner/d.py"]


def test_a_path_may_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    storage = LocalFileSystem("~/kept")
    storage.write("a", b"1")
    assert storage.read_path("~/kept/a") == b"1"


@pytest.mark.parametrize("path", ["/elsewhere", "~/elsewhere"])
def test_a_folder_is_not_put_outside_of_the_storage(tmp_path: Path, path: str) -> None:
    (tmp_path / "a").write_text("1")
    with pytest.raises(StorageKeyError, match="outside of the base path"):
        LocalFileSystem(tmp_path / "kept").put_directory(tmp_path, to_path=path)
