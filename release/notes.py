"""The notes of a release as typed data, with the digests of its files, signed.

`python -m release.notes DIST` reads CHANGELOG.md's section of the version in pyproject.toml, and what was built into
DIST. It leaves the notes there, their signature, and the wheel's bill of materials. RELEASE_KEY is the file of an
Ed25519 key of OpenSSH; of a public key, the agent has the private one.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zipfile import ZipFile

from pydantic import BaseModel, Field

from release.verify import NAMESPACE

One = TypeVar("One")


class Kind(StrEnum):
    """What an entry means for users; the headings of a section are these, capitalized."""

    BREAKING = "breaking"
    ADDED = "added"
    CHANGED = "changed"
    FIXED = "fixed"
    SECURITY = "security"


class Entry(BaseModel):
    """A change, in Markdown."""

    kind: Kind
    text: Annotated[str, Field(min_length=1)]


class File(BaseModel):
    """A file of the release."""

    kind: Literal["wheel", "sdist", "sbom"]
    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Notes(BaseModel):
    """The notes of a release."""

    format: Literal[1] = 1
    version: str
    date: date
    entries: list[Entry]
    files: list[File]


def section(changelog: str, title: str) -> tuple[str, list[Entry]]:
    """What follows a section's title in its heading, as the date of `## 0.1.0 - 2026-01-31`, and its entries.

    Raises:
        ValueError: there is no such section, it has no entry, or a line of it is below no known kind.
    """
    found = re.search(rf"^## {re.escape(title)}(?: - (\S+))?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"CHANGELOG.md has no section `## {title}`.")
    kind, entries = None, list[Entry]()
    for line in filter(str.strip, found[2].splitlines()):
        if line.startswith("### "):
            kind = Kind(line[4:].lower())
        elif kind is None or not line.startswith(("- ", "  ")):
            raise ValueError(f"In CHANGELOG.md, an entry belongs below a heading such as `### Fixed`: {line!r}")
        elif line.startswith("- "):
            entries.append(Entry(kind=kind, text=line[2:].strip()))
        elif entries:
            entries[-1].text += f" {line.strip()}"
    if not entries:
        raise ValueError(f"CHANGELOG.md's section `## {title}` has no entry.")
    return found[1] or "", entries


def files(dist: Path, version: str) -> list[File]:
    """The wheel and the source distribution of a version, and the wheel's bill of materials, which is put beside them.

    Raises:
        ValueError: one of them is missing, or there are several.
    """
    wheel = only(dist.glob(f"perdure-{version}-*.whl"), f"wheel of {version} in {dist}")
    sdist = only(dist.glob(f"perdure-{version}.tar.gz"), f"source distribution of {version} in {dist}")
    sbom = dist / f"perdure-{version}.sbom.cdx.json"
    with ZipFile(wheel) as archive:
        bills = (name for name in archive.namelist() if ".dist-info/sboms/" in name)
        sbom.write_bytes(archive.read(only(bills, f"bill of materials in {wheel.name}")))
    kinds: list[tuple[Literal["wheel", "sdist", "sbom"], Path]] = [("wheel", wheel), ("sdist", sdist), ("sbom", sbom)]
    return [
        File(kind=kind, name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()) for kind, path in kinds
    ]


def only(found: Iterable[One], what: str) -> One:
    """The only one of what was found."""
    several = list(found)
    if len(several) != 1:
        raise ValueError(f"One {what} is needed, and there are {len(several)}: `make dist` on a machine with npm.")
    return several[0]


def sign(path: Path, key: Path) -> Path:
    """Sign a file: the signature, of OpenSSH's format, is beside it with `.sig` after its name.

    Raises:
        ValueError: the key is not one of Ed25519.
        subprocess.CalledProcessError: ssh-keygen failed, and said why on the terminal.
    """
    signature = path.with_name(f"{path.name}.sig")
    signature.unlink(missing_ok=True)  # ssh-keygen would ask
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, path], check=True)
    if b"ssh-ed25519" not in base64.b64decode("".join(signature.read_text().splitlines()[1:-1])):
        signature.unlink()
        raise ValueError(f"{key} is no Ed25519 key: make one by `ssh-keygen -t ed25519`.")
    return signature


def make(root: Path, dist: Path, key: Path) -> Path:
    """Make and sign the notes of the version in pyproject.toml."""
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    day, entries = section((root / "CHANGELOG.md").read_text("utf-8"), version)
    notes = Notes(version=version, date=date.fromisoformat(day), entries=entries, files=files(dist, version))
    path = dist / f"perdure-{version}.notes.json"
    path.write_text(notes.model_dump_json(indent=2) + "\n", "utf-8")
    sign(path, key)
    return path


if __name__ == "__main__":
    if not os.environ.get("RELEASE_KEY"):
        sys.exit("Say by which key: RELEASE_KEY=FILE, of an Ed25519 key of OpenSSH.")
    try:
        print(make(Path.cwd(), Path(sys.argv[1]), Path(os.environ["RELEASE_KEY"])))
    except (ValueError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
