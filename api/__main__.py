"""Compare the public surface with that of the snapshot, or of another commit's."""

import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from api import stubs
from api.breaks import breaks
from api.surface import ROOT


def main() -> int:
    """Say what breaks, and end with 1 if anything does, or if the snapshot is of another surface."""
    parser = ArgumentParser(prog="make api", description=__doc__)
    parser.add_argument("--write", action="store_true", help="make the snapshot anew")
    parser.add_argument("--base", metavar="REF", help="compare with the snapshot of this commit, tag or branch")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = breaks(_at(chosen.base, Path(folder)) if chosen.base else stubs.SNAPSHOT)
    print("\n".join(found) or "Nothing that was public breaks.")
    if chosen.write:
        stubs.write(stubs.SNAPSHOT)
        return 0
    if is_old := stubs.read(stubs.SNAPSHOT) != stubs.stubs():
        print("The snapshot is of another surface. If the change is meant, make it anew: make api WRITE=yes")
    return 1 if found or is_old else 0


def _at(ref: str, folder: Path) -> Path:
    """The snapshot of another commit, in a folder."""
    path = stubs.SNAPSHOT.relative_to(ROOT)
    archive = subprocess.run(["git", "archive", ref, str(path)], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode != 0:
        sys.exit(f"{ref} has no snapshot of the public surface at {path}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive.stdout, check=True)
    return folder / path


if __name__ == "__main__":
    sys.exit(main())
