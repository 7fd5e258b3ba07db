"""Which repository's commit code is of, if it is in a copy of one that Perdure has made."""

import json
from collections.abc import Mapping
from pathlib import Path

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
