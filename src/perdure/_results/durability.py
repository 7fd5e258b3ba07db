"""How far results survive: the end of the process, or a loss of power too."""

import sys
import threading
from typing import TYPE_CHECKING

from perdure._results.store import Secure, leave

if TYPE_CHECKING:
    from perdure._storages.storage import Storage

_INTERVAL = 0.5  # seconds between two batches


class Durability:
    """Has what was written reach the disk: at once ("disk"), soon ("batch"), or when the system likes ("process")."""

    def __init__(self, level: str) -> None:
        self._waiting: dict[int, tuple[Storage, list[str]]] = {}  # by the storage's identity
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._has_refused = False
        self._thread: threading.Thread | None = None
        levels: dict[str, Secure] = {"process": leave, "batch": self._later, "disk": _now}
        self.secure = levels[level]

    def close(self) -> None:
        """Secure what still waits, and stop."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        self._secure_waiting()

    def _later(self, storage: "Storage", keys: tuple[str, ...]) -> None:
        with self._lock:
            self._waiting.setdefault(id(storage), (storage, []))[1].extend(keys)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="perdure-durability", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while not self._stopped.wait(_INTERVAL):
            self._secure_waiting()

    def _secure_waiting(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for storage, keys in waiting.values():
            try:
                storage.sync(keys)
            except Exception as error:  # it is written, and can be read: only a loss of power could take it
                self._refused(storage, keys, error)
            else:
                self._has_refused = False

    def _refused(self, storage: "Storage", keys: list[str], error: Exception) -> None:
        if not self._has_refused:
            sys.stderr.write(f"perdure: results may not survive a loss of power until this is mended. {error}\n")
        self._has_refused = True
        with self._lock:
            self._waiting.setdefault(id(storage), (storage, []))[1].extend(keys)


def _now(storage: "Storage", keys: tuple[str, ...]) -> None:
    storage.sync(keys)
