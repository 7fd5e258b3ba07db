"""A file of what cannot be taken over: each row as JSON, by its table, so that nothing is lost."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO

from perdure._platform.files import TEMPORARY_PREFIX, make_private, touch_private


class KeptRows:
    """Lines of JSON, in a file that only this user can read. It is replaced as a whole when all was read.

    One for nobody, of a dry run, counts only.
    """

    def __init__(self, home: Path, place: str, dry_run: bool) -> None:
        digest = hashlib.sha256(place.encode()).hexdigest()[:12]
        self.path = home / "taken-over" / f"prefect-{digest}.jsonl"
        self._draft = self.path.with_name(f"{TEMPORARY_PREFIX}{self.path.name}")
        self._file: TextIO | None = None
        self._dry_run = dry_run
        self.count = 0

    def add(self, table: str, row: Mapping[str, object], why: str) -> None:
        """Keep a row, with the reason why it is here."""
        self.count += 1
        if self._dry_run:
            return
        if self._file is None:
            make_private(self.path.parent)
            touch_private(self._draft)
            self._file = self._draft.open("w", encoding="utf-8")
        cells = {name: value for name, value in row.items() if value is not None}
        self._file.write(json.dumps({"table": table, "why": why, "row": cells}, default=_text) + "\n")

    def finish(self) -> None:
        """Put what was kept in place of what an earlier run kept."""
        if self._dry_run:
            return
        if self._file is None:
            self.path.unlink(missing_ok=True)
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self.path)

    def abandon(self) -> None:
        """Leave what an earlier run kept."""
        if self._file is not None:
            self._file.close()
            with suppress(OSError):
                self._draft.unlink(missing_ok=True)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value.total_seconds()) if isinstance(value, timedelta) else str(value)
