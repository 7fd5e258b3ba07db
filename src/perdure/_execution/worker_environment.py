"""A worker of a cluster takes on the settings and names of whoever sends it calls.

Settings, and what a program's classes are called, hold for a whole process, and a worker may be sent calls by several
flow runs with settings of their own. So it works for one sender at a time: calls of another wait until those that run
have ended. Tokens and passwords never travel: they are the worker's own, from its environment.
"""

import json
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from perdure._model.errors import OrchestratorError, SettingError
from perdure._platform import programs
from perdure._run.log_reporting import watch_prints
from perdure._runners.handshake import ME, versions
from perdure._session import session as sessions
from perdure._settings import settings
from perdure._settings.fields import PREFIX


class Refused(Exception):
    """This worker cannot run what it was sent; the message says why, and what to do."""


class _Turns:
    """Senders take turns; calls of one sender may run beside each other."""

    def __init__(self) -> None:
        self._sender: bytes | None = None
        self._inside = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def of(self, sender: bytes) -> Iterator[None]:
        """Within the block, the process works for the sender."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(
                    lambda: self._waiting[0] is ticket and self._inside * (self._sender != sender) == 0
                )
                if self._sender != sender:
                    self._sender = None
                    _take_on(json.loads(sender))
                    self._sender = sender
                self._inside += 1
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                try:
                    if not self._inside:  # no connection is held, and no sign of life given, for nobody
                        with suppress(OrchestratorError):
                            sessions.close()
                finally:  # else those of another sender would wait for ever
                    self._changed.notify_all()


_turns = _Turns()
_own = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}


@contextmanager
def environment_of(greeting: bytes, where: str) -> Iterator[None]:
    """Within the block, this process has the settings of who sent the greeting; `where` is what others call it.

    Raises:
        Refused: it cannot work for them.
    """
    sender = json.loads(greeting)
    if sender["me"] == ME:
        raise Refused(
            f"The worker {where} is a thread of the process that runs the flow. Have the cluster start processes"
            " (cluster_kwargs={'processes': True}), or use a ThreadTaskRunner."
        )
    here = versions()
    for name, version in sender["versions"].items():
        if here.get(name) != version:
            raise Refused(
                f"The worker {where} has {name} {here.get(name)}, and the flow {name} {version}: they cannot read each"
                f" other's values. Install {name} {version} there."
            )
    with _turns.of(greeting):
        yield


def _take_on(sender: dict[str, Any]) -> None:
    for name in [each for each in os.environ if each.startswith(PREFIX)]:
        del os.environ[name]
    os.environ |= _own | sender["settings"]
    try:
        settings.reload()
    except SettingError as error:
        raise Refused(f"The settings of the flow cannot be had on this worker: {error}") from None
    programs.runs_tasks_of({module: (name, project) for module, (name, project) in sender["programs"].items()})
    # On the same machine, and on those that share its folders, code is found where the flow finds it.
    sys.path += [each for each in sender["path"] if each not in sys.path and os.path.isdir(each)]  # noqa: PTH112
    watch_prints()
