"""Folders of code as zips: the same bytes for the same files, and back again without harm.

What is packed is what a repository would have of the folder. What is unpacked may come from anybody: no name leads out
of the folder, nothing is a link, and no more is written than the limits say.
"""

import io
import json
import os
import re
import stat
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from perdure._model.errors import BundleError
from perdure._platform.projects import MARK, mark_of

MOST_FILES = 10_000
MOST_BYTES = 512 * 1024 * 1024  # of all files together
MOST_PACKED = 128 * 1024 * 1024  # bytes of the zip

_AT_ONCE = 1024 * 1024  # bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can say
_LINUX = 3
_SKIPPED = ("__pycache__", "*.pyc", "*.pyo", ".git", ".env", ".env.*", MARK)
_SKIPPED_WITHOUT_GIT = (".*", "node_modules")
_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\:]|^/|(?:^|/)(?:\.{0,2})(?:/|\Z)")


def packed(folder: Path, exclude: Sequence[str] = (), without: Sequence[Path] = ()) -> bytes:
    """The files of a folder as a zip.

    In a repository of git they are those that it has or would add; elsewhere all but hidden ones. `exclude` are
    patterns of names and paths; `without` are folders that are left out. Links to files in the folder are packed as
    these files.

    Raises:
        BundleError: there are too many, or too large ones; or a link leads out of the folder.
    """
    files = sorted(_chosen(folder, exclude, without), key=lambda name: name.split("/"))
    if len(files) > MOST_FILES:
        raise BundleError(f"{folder} has {len(files):,} files, and a bundle has {MOST_FILES:,} at most. {_SMALLER}")
    made, left = io.BytesIO(), MOST_BYTES
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_member(MARK, 0o644), json.dumps(mark_of(folder)))
        for name in files:
            path = _file(folder, name)
            size = path.stat().st_size
            left -= size
            if left < 0:
                raise BundleError(f"The files of {folder} take more than {_mib(MOST_BYTES)}: {name} is one. {_SMALLER}")
            archive.writestr(_member(name, 0o755 if os.access(path, os.X_OK) else 0o644), path.read_bytes())
    data = made.getvalue()
    if len(data) > MOST_PACKED:
        raise BundleError(
            f"The bundle of {folder} takes {_mib(len(data))}, and {_mib(MOST_PACKED)} at most. {_SMALLER}"
        )
    return data


def names_in(data: bytes) -> frozenset[str]:
    """The names of the files in a zip that was just packed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return frozenset(archive.namelist())


def unpack(data: bytes, folder: Path) -> None:
    """Write the files of a zip into a folder, which is not there yet.

    Raises:
        BundleError: it is no zip that `packed` could have made. What has been written until then is left to the caller.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check(members)
            folder.mkdir()
            left = MOST_BYTES
            for member in members:
                left = _write(archive, member, folder, left)
    except BundleError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BundleError(f"It cannot be unpacked: {error}.") from error


def _check(members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_FILES + 1:
        raise BundleError(f"It has {len(members):,} files, and {MOST_FILES:,} at most are unpacked.")
    for each in members:
        kind = stat.S_IFMT(each.external_attr >> 16)
        if _is_bad(each.orig_filename) or each.filename != each.orig_filename:
            raise BundleError(f"It has a file called {each.orig_filename[:200]!r}, which could leave the folder.")
        if kind not in (0, stat.S_IFREG) or each.is_dir():
            raise BundleError(f"{each.filename[:200]!r} in it is a link, or something else that is no file.")
        if each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{each.filename[:200]!r} in it is compressed in a way that Perdure does not use.")
    if sum(each.file_size for each in members) > MOST_BYTES:
        raise BundleError(f"Its files take more than {_mib(MOST_BYTES)}.")


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, left: int) -> int:
    """Write one file; how many bytes may still be written. What a zip says of its sizes need not be so."""
    path = folder / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, path.open("xb") as target:
        while piece := source.read(_AT_ONCE):
            left -= len(piece)
            if left < 0:
                raise BundleError(f"Its files take more than {_mib(MOST_BYTES)}.")
            target.write(piece)
    if member.external_attr >> 16 & 0o100:
        path.chmod(0o755)
    return left


def _is_bad(name: str) -> bool:
    return _BAD_NAME.search(name) is not None or len(name) > 1_000


def _member(name: str, mode: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, _EPOCH)
    made.compress_type = zipfile.ZIP_DEFLATED
    made.create_system = _LINUX
    made.external_attr = (stat.S_IFREG | mode) << 16
    return made


# Which files


def _chosen(folder: Path, exclude: Sequence[str], without: Sequence[Path]) -> Iterator[str]:
    known = _names_by_git(folder)
    patterns = (*_SKIPPED, *exclude) if known is not None else (*_SKIPPED, *_SKIPPED_WITHOUT_GIT, *exclude)
    left_out = {each.resolve() for each in without}
    skipped: dict[str, bool] = {}  # of folders: whether their files are left out

    def skips(name: str) -> bool:
        if name not in skipped:
            path = PurePosixPath(name)
            above = path.parent.as_posix()
            place = folder / name
            skipped[name] = (
                (above != "." and skips(above))
                or any(fnmatch(name, each) or fnmatch(path.name, each) for each in patterns)
                or place.resolve() in left_out
                or (place / "pyvenv.cfg").is_file()
            )
        return skipped[name]

    if known is None:
        yield from _walked(folder, "", skips)
        return
    for name in known:
        if skips(name):
            continue
        if (folder / name).is_dir() and not (folder / name).is_symlink():  # a submodule
            yield from _walked(folder, f"{name.rstrip('/')}/", skips)
        elif (folder / name).is_file() or (folder / name).is_symlink():  # else it was deleted
            yield name


def _walked(folder: Path, prefix: str, skips: Callable[[str], bool]) -> Iterator[str]:
    with os.scandir(folder / prefix) as found:
        for each in found:
            name = f"{prefix}{each.name}"
            if skips(name):
                continue
            if each.is_dir(follow_symlinks=False):
                yield from _walked(folder, f"{name}/", skips)
            elif each.is_file(follow_symlinks=False) or each.is_symlink():
                yield name


def _names_by_git(folder: Path) -> list[str] | None:
    """The files that a repository has in a folder, or would add; None if it is in none, or there is no git."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _file(folder: Path, name: str) -> Path:
    """The file of a name; of a link, what it leads to, if that is in the folder."""
    if _is_bad(name):
        raise BundleError(f"{folder / name} cannot be packed: its name has a control character, ':' or '\\'.")
    path = folder / name
    if path.is_symlink():
        target = path.resolve()
        if not target.is_file() or not target.is_relative_to(folder.resolve()):
            raise BundleError(
                f"{path} is a link to {target}, which is no file in {folder}. Remove it, or exclude it from the bundle."
            )
    return path


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MiB"


_SMALLER = "Name a smaller folder, or give exclude= with patterns such as 'data' or '*.csv'."
