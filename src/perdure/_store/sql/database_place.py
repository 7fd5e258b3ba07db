"""Where a SQLite file is: whether what is written to it is still there afterwards.

SQLite keeps writing to a file that has no name any more, and reports nothing. On file systems of a network it reports
nothing either, but its locks may not hold there.
"""

import os
from pathlib import Path
from typing import Literal

# SQLite's locks do not hold there, or not on every machine: https://www.sqlite.org/faq.html#q5
_NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "fuse.s3fs"})
_MOUNTS = Path("/proc/self/mounts")


def fate_of(file: str, opened: tuple[int, int]) -> Literal["emptied", "replaced", "deleted"] | None:
    """What has become of a file since it was opened as that device and inode; None if it is in its place."""
    try:
        found = os.stat(file)  # noqa: PTH116 - half the time
    except FileNotFoundError:
        return "deleted"
    if not found.st_size:
        return "emptied"
    return None if (found.st_dev, found.st_ino) == opened else "replaced"


def network_file_system(path: Path) -> str | None:
    """The kind of file system that a path is on, if it is one of a network, where SQLite may lose what is written."""
    kind = _file_system(path)
    return kind if kind in _NETWORK_FILE_SYSTEMS else None


def _file_system(path: Path) -> str | None:
    """The kind of file system that a path is on; None where nothing says it."""
    try:
        lines = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return None
    mounts = {fields[1].replace("\\040", " "): fields[2] for line in lines if len(fields := line.split()) > 2}
    at = path.absolute()
    return next((mounts[str(each)] for each in (at, *at.parents) if str(each) in mounts), None)
