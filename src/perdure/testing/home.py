"""A home of its own, for tests of flows."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perdure._session import session
from perdure._settings import settings

__all__ = ["fresh_home"]


@contextmanager
def fresh_home(path: Path | str | None = None) -> Iterator[Path]:
    """Run what is in the `with` block in an empty home: its own database, storage, blocks and cache.

    Without a path, the home is a temporary directory, which is removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="perdure-") as temporary:
        home = Path(temporary if path is None else path)
        paths = {"home": home, "database": home / "perdure.db", "local_storage_path": home / "storage"}
        with settings.temporary_settings(paths):
            try:
                yield home
            finally:
                session.close()
