"""A Dask cluster whose scheduler and workers are processes that tests may kill.

All are forked from one process that has imported what they need, so that a worker is there in a tenth of a second.
"""

import asyncio
import ctypes
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_PATIENCE = 60.0  # seconds: much more than a process takes to start on a busy machine
_SET_PDEATHSIG = 1  # as linux/prctl.h names it


class DaskCluster:
    """A scheduler, and workers of one thread each. `security` has the arguments of `distributed.Security`."""

    def __init__(self, workers: int, security: Mapping[str, Any] | None = None) -> None:
        self.killed: list[str] = []  # the addresses of workers
        self._folder = tempfile.mkdtemp(prefix="perdure-dask-")  # of what the workers write
        self._heard: list[dict[str, Any]] = []
        self._hears = threading.Condition()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.dask_cluster", self._folder, json.dumps(security)],
            cwd=Path(__file__).parents[1],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._hear, name="dask-cluster", daemon=True).start()
        self._ask("scheduler")
        self.address: str = self._wait_for("scheduler", 1)[0]["scheduler"]
        for _ in range(workers):
            self.start_worker()
        self.wait_for_workers(workers)

    def start_worker(self) -> None:
        """Begin to start one more worker."""
        self._ask(self.address)

    def workers(self) -> dict[str, int]:
        """The processes of the workers that are there, by their addresses."""
        with self._hears:
            return {
                each["worker"]: each["pid"]
                for each in self._heard
                if "worker" in each and each["worker"] not in self.killed
            }

    def wait_for_workers(self, count: int) -> None:
        """Return when so many are there."""
        with self._hears:
            assert self._hears.wait_for(lambda: len(self.workers()) >= count, _PATIENCE)

    def kill_worker(self, address: str) -> None:
        """Kill a worker, and begin to start another one."""
        pid = self.workers()[address]
        self.killed.append(address)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.start_worker()

    def close(self) -> None:
        """End all."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()  # whereupon it ends, and the others with it
        self._nursery.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, what: str) -> None:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(f"{what}\n")
        self._nursery.stdin.flush()

    def _hear(self) -> None:
        assert self._nursery.stdout is not None
        for line in self._nursery.stdout:
            with self._hears:
                self._heard.append(json.loads(line))
                self._hears.notify_all()

    def _wait_for(self, what: str, count: int) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]]:
            return [each for each in self._heard if what in each]

        with self._hears:
            assert self._hears.wait_for(lambda: len(found()) >= count, _PATIENCE)
            return found()


# In the process that the others are forked from


def _serve(folder: str, security: Mapping[str, Any] | None) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that are killed
    for line in sys.stdin:
        if os.fork() == 0:
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(_run(line.strip(), folder, security))
            os._exit(0)


async def _run(what: str, folder: str, security: Mapping[str, Any] | None) -> None:
    import distributed

    given: dict[str, Any] = {"dashboard": False}
    protocol = "tcp" if security is None else "tls"
    if security is not None:
        given["security"] = distributed.Security(**security)
    if what == "scheduler":
        node: Any = distributed.Scheduler(host="127.0.0.1", port=0, protocol=protocol, **given)
    else:
        node = distributed.Worker(
            what, nthreads=1, host="127.0.0.1", memory_limit=0, local_directory=folder, resources={"GPU": 1}, **given
        )
    async with node:
        kind = "scheduler" if what == "scheduler" else "worker"
        os.write(1, f"{json.dumps({kind: node.address, 'pid': os.getpid()})}\n".encode())
        await node.finished()


if __name__ == "__main__":
    import distributed  # noqa: F401 - what all have in common

    from perdure._execution import dask_worker  # noqa: F401
    from perdure._runners import dask_scheduler  # noqa: F401
    from perdure._store.embedded import EmbeddedOrchestrator  # noqa: F401

    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
    _serve(sys.argv[1], json.loads(sys.argv[2]))
