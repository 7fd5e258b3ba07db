"""The blocks that the user of a home has saved: other blocks that records name are not trusted."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from perdure._blocks.block import Block
from perdure._platform.files import locked, replace_private
from perdure._settings import settings

_FILE = "approved-storages.json"
_MOST = 10_000  # blocks that are remembered; the oldest go first


def approve(block: Block) -> None:
    """Note that the user of this home has saved a block, or used it in code: records may name it from now on."""
    home = settings.current().home
    id = block.content_id()
    if id in _approved(home):
        return
    with locked(home / f"{_FILE}.lock"):
        replace_private(home / _FILE, json.dumps([*_approved(home), id][-_MOST:]))


def is_approved(block: Block, home: Path) -> bool:
    """Whether the user of a home has saved a block."""
    known = _approved(home)
    return bool(known) and block.content_id() in known


def _approved(home: Path) -> Sequence[str]:
    path = home / _FILE
    try:
        found = path.stat()
    except OSError:
        return ()
    return _read(path, found.st_mtime_ns, found.st_ino)


@lru_cache(maxsize=8)
def _read(path: Path, _: int, __: int) -> Sequence[str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    return tuple(map(str, known)) if isinstance(known, list) else ()
