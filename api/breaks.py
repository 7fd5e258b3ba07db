"""What a user's program could no longer do with the surface of today, by griffe."""

import tempfile
from pathlib import Path

import griffe

from api import stubs


def breaks(before: Path) -> list[str]:
    """A line for each change that may break programs, since the stubs in the folder `before` were made."""
    with tempfile.TemporaryDirectory() as folder:
        stubs.write(Path(folder))
        return compared(before, Path(folder))


def compared(before: Path, now: Path) -> list[str]:
    """A line for each change that may break programs, from one folder of stubs to another."""
    changes = griffe.find_breaking_changes(_loaded(before), _loaded(now))
    return sorted({_line(change) for change in changes})


def _loaded(folder: Path) -> griffe.Module:
    loaded = griffe.load("perdure", search_paths=[folder], resolve_aliases=True, resolve_external=False)
    assert isinstance(loaded, griffe.Module)
    return loaded


def _line(change: griffe.Breakage) -> str:
    parts = change.as_dict()
    values = [str(parts[each]) for each in ("old_value", "new_value")]
    is_text = not any(value.startswith(("Class(", "Function(", "Attribute(")) for value in values)
    return f"{change.obj.path}: {change.kind.value}{f': {values[0]} -> {values[1]}' if is_text else ''}"
