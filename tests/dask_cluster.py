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
    """A scheduler, and workers of one thread each: for one that ends, another one is started.

    `security` has the arguments of `distributed.Security`.
    """

    def __init__(self, workers: int, security: Mapping[str, Any] | None = None) -> None:
        import distributed  # noqa: F401 - which sets levels itself

        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it warns of workers that are killed
        self._size = workers
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
        self._hearing = threading.Thread(target=self._hear, name="dask-cluster", daemon=True)
        self._hearing.start()
        self._ask("scheduler")
        self.address: str = self._wait_for_scheduler()
        for _ in range(workers):
            self._ask(self.address)
        self.wait_until_whole()

    def workers(self) -> dict[str, int]:
        """The processes of the workers that are there, by their addresses."""
        with self._hears:
            ended = {each["ended"] for each in self._heard if "ended" in each}
            return {each["worker"]: each["pid"] for each in self._heard if each.get("pid") not in {*ended, None}}

    def wait_until_whole(self) -> None:
        """Return when all workers are there."""
        with self._hears:
            assert self._hears.wait_for(lambda: len(self.workers()) >= self._size, _PATIENCE)

    def wait_until_gone(self, pid: int) -> None:
        """Return when a worker that was killed is no more."""
        with self._hears:
            assert self._hears.wait_for(lambda: {"ended": pid} in self._heard, _PATIENCE)

    def close(self) -> None:
        """End all."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.close()  # whereupon it ends, and the others with it
        self._nursery.wait()
        self._hearing.join()
        self._nursery.stdout.close()
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

    def _wait_for_scheduler(self) -> str:
        with self._hears:
            assert self._hears.wait_for(lambda: self._heard, _PATIENCE)
            return str(self._heard[0]["scheduler"])


# In the process that the others are forked from


class _Nursery:
    def __init__(self, folder: str, security: Mapping[str, Any] | None) -> None:
        self._folder = folder
        self._security = security
        self._children: dict[int, str] = {}  # what they are, by their processes

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: self._replace())
        for line in sys.stdin:
            self._start(line.strip())

    def _start(self, what: str) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])  # until it is known whose end that would be
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            asyncio.run(_run(what, self._folder, self._security))
            os._exit(0)
        self._children[pid] = what
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])

    def _replace(self) -> None:
        """For each worker that has ended, start another one."""
        with suppress(ChildProcessError):
            while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                _say({"ended": pid})
                self._start(self._children.pop(pid))


def _say(what: Mapping[str, Any]) -> None:
    os.write(1, f"{json.dumps(what)}\n".encode())


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
        _say({kind: node.address, "pid": os.getpid()} if kind == "worker" else {kind: node.address})
        await node.finished()


if __name__ == "__main__":
    import distributed  # noqa: F401 - what all have in common

    from perdure._execution import dask_worker  # noqa: F401
    from perdure._runners import dask_scheduler  # noqa: F401
    from perdure._store.embedded import EmbeddedOrchestrator  # noqa: F401

    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)
    _Nursery(sys.argv[1], json.loads(sys.argv[2])).serve()
