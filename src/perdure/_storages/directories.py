"""Whole directories, to and from a storage."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from perdure._storages.ignored import Ignored


class Files(Protocol):
    """What is needed of a storage."""

    def read(self, key: str) -> bytes: ...
    def write(self, key: str, data: bytes) -> None: ...
    def list(self, prefix: str = "") -> Iterator[str]: ...


def get_directory(storage: Files, from_path: str | None, local_path: str | Path | None) -> None:
    """Write what lies under a prefix of a storage into a local directory, with the same names below it."""
    prefix = _prefix(from_path)
    target = Path.cwd() if local_path is None else Path(local_path)
    for key in [*storage.list(prefix)]:
        file = target / PurePosixPath(key.removeprefix(prefix))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(storage.read(key))


def put_directory(
    storage: Files, local_path: str | Path | None, to_path: str | None, ignore_file: str | Path | None = None
) -> int:
    """Keep all files below a local directory under a prefix of a storage; how many they were.

    Those that `ignore_file` names, by patterns as in a .gitignore, are left out.
    """
    source, prefix = Path.cwd() if local_path is None else Path(local_path), _prefix(to_path)
    ignored = Ignored("" if ignore_file is None else Path(ignore_file).read_text(encoding="utf-8"))
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    kept = [name for name in names if name not in ignored]
    for name in kept:
        storage.write(f"{prefix}{name}", (source / name).read_bytes())
    return len(kept)


def _prefix(path: str | None) -> str:
    return "" if path in (None, "", ".", "./") else f"{str(path).strip('/')}/"
