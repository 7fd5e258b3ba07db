"""Keys of storages and their sizes, for as long as one piece of work takes: on disk, since there may be millions."""

import sqlite3
from collections.abc import Iterable

from perdure._platform.named import NamedTuple

_KEPT = "PRAGMA cache_size = -131072"  # KiB that stay in memory; the rest is in a temporary file of SQLite's own


class Listed(NamedTuple):
    """A key that a storage has; its size is None where the storage does not say one."""

    size: int | None


class TemporaryKeys:
    """Keys by the storage that they are of: `of` is its number among those that somebody looks at."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute(_KEPT)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute(
            "CREATE TABLE listed (of INTEGER, key BLOB, size INTEGER, PRIMARY KEY (of, key)) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Forget them all."""
        self._rows.close()

    def add(self, listed: Iterable[tuple[str, int | None]], of: int = 0) -> None:
        """Add keys with their sizes; what is said last of a key holds."""
        self._rows.execute("BEGIN")
        try:
            rows = ((of, _bytes(key), size) for key, size in listed)
            self._rows.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", rows)
        finally:
            self._rows.execute("COMMIT")

    def find(self, key: str, of: int = 0) -> Listed | None:
        """The size of a key; None if it was not added."""
        found = self._rows.execute("SELECT size FROM listed WHERE of = ? AND key = ?", (of, _bytes(key))).fetchone()
        return None if found is None else Listed(found[0])

    def has_between(self, low: str, high: str, size: int, of: int = 0) -> bool:
        """Whether a key of this size comes after `low` and before `high`, by their bytes."""
        query = "SELECT 1 FROM listed WHERE of = ? AND key > ? AND key < ? AND size = ?"
        return self._rows.execute(query, (of, _bytes(low), _bytes(high), size)).fetchone() is not None


def _bytes(key: str) -> bytes:
    return key.encode(errors="surrogateescape")  # a file's name need not be text
