"""Which repository's commit code is of, if it is in a copy of one that Perdure has made; and whether code is there."""

import json
import symtable
import sys
from collections.abc import Mapping
from pathlib import Path

COPIES = "files"  # the folder, in that of sources, of copies of storages' files
MARK = "perdure-source"  # a file beside git's own, in such copies: it says the repository and the commit


def source_of(entry: Mapping[str, str]) -> dict[str, str]:
    """What the entry point of such code says, too: its source, and where it runs; nothing for other code."""
    file = Path(entry["target"].rpartition(":")[0])
    directory = file.parent if file.is_absolute() else Path(entry["directory"])
    for folder in (directory, *directory.parents):
        mark = folder / ".git" / MARK
        if mark.is_file():
            source = {**json.loads(mark.read_text()), "folder": str(folder)}
            return {"source": json.dumps(source, sort_keys=True), "directory": str(directory)}
    return {}


def copied_folder(entry: Mapping[str, str], home: Path) -> Path | None:
    """The copy of a storage's files that code is in, if it is in one: other machines do not have it."""
    copies = (home / "sources" / COPIES).resolve()
    file = Path(entry["target"].rpartition(":")[0])
    place = file if file.is_absolute() else Path(entry["directory"])
    if not place.resolve().is_relative_to(copies):
        return None
    return copies / place.resolve().relative_to(copies).parts[0]


def what_is_missing(entry: Mapping[str, str]) -> str | None:
    """Why a flow is not found on this machine, by its entry point; None if it is, for all that can be seen.

    Nothing is run or imported for that.
    """
    place, _, name = entry["target"].rpartition(":")
    path = Path(place)
    if not (place.endswith(".py") or path.is_absolute()):
        found = _file_of_module(place, entry["directory"])
        if found is None:
            return f"there is no module {place!r} in {entry['directory']}"
        if found.suffix != ".py":  # what is compiled says nothing of what is in it
            return None
        path = found
    if not path.is_file():
        return f"there is no file {path}"
    return None if _defines(path, name.partition(".")[0]) else f"{path} has no {name!r}"


def _file_of_module(module: str, directory: str) -> Path | None:
    for folder in (directory, *sys.path):
        base = Path(folder, *module.split("."))
        for file in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if file.is_file():
                return file
        compiled = [*base.parent.glob(f"{base.name}.*.so"), *base.parent.glob(f"{base.name}.*.pyd")]
        if compiled:
            return compiled[0]
    return None


def _defines(path: Path, name: str) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
        table = symtable.symtable(text, str(path), "exec")
    except (OSError, ValueError, SyntaxError):
        return False
    if name not in table.get_identifiers():
        return "import *" in text
    symbol = table.lookup(name)
    return symbol.is_assigned() or symbol.is_imported()
