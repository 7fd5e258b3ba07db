"""The blocks that were seen here: what a flow uses whose server is away."""

import json
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from perdure._model.records import BlockRecord
from perdure._platform.files import make_private, replace_private


class KnownBlocks:
    """Records of blocks, in a file that several processes replace whole; their secrets are encrypted in them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, BlockRecord] = {}

    def remember(self, records: Iterable[BlockRecord]) -> None:
        """Keep records as they are now; that this cannot be done matters to nobody yet."""
        with self._lock:
            new = {record.id: record for record in records if self._known.get(record.id) != record}
            if not new:
                return
            self._known = self._read() | self._known | new
            with suppress(OSError):
                make_private(self._path.parent)
                replace_private(self._path, json.dumps(list(self._known.values())))

    def find(self, id: str) -> BlockRecord | None:
        """A block by its id."""
        return self._all().get(id)

    def named(self, type: str | None, name: str | None) -> Sequence[BlockRecord]:
        """The saved blocks, or those of a type, or of a name."""
        found = [
            each
            for each in self._all().values()
            if each.name is not None and type in (None, each.type) and name in (None, each.name)
        ]
        newest = {(each.type, each.name): each for each in sorted(found, key=lambda each: each.updated)}
        return [newest[slug] for slug in sorted(newest)]

    def _all(self) -> dict[str, BlockRecord]:
        with self._lock:
            return self._read() | self._known

    def _read(self) -> dict[str, BlockRecord]:
        try:
            return {record[0]: BlockRecord(*record) for record in json.loads(self._path.read_text())}
        except (OSError, ValueError, TypeError, LookupError):  # not there, or of no use
            return {}
