"""Stories of a flow whose server is killed, whose database is restarted, whose network is cut while it runs."""

import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from perdure._server.running import opened
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.remote.orchestrator import RemoteOrchestrator, folder_of
from perdure.records import FlowRun, RunFilter
from perdure.states import StateType as S
from tests.at_the_end import AT_THE_END
from tests.chaos.reporting import PERSISTED
from tests.postgresql_server import new_database, server_in
from tests.prepared import Prepared
from tests.server.proxy import Proxy
from tests.server.running import wait_for

TASKS = 2_000
_MOST = 4  # faults in a story
_PATIENCE = 120  # seconds for the flow to end
_LONGEST = 1.5  # seconds that something is away
_STARTS = 3
_AWAY = "The database PostgreSQL"  # begins what a server says that finds none
_USUAL = [S.PENDING, S.RUNNING, S.COMPLETED]


class Server:
    """A server at one port, that may be killed and started again, and what it says in a file."""

    def __init__(self, database: str, said: Path) -> None:
        self._said = said
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._command = ["-m", "perdure", "server", "start", f"--port={self.port}", f"--database={database}"]
        self.start()
        self.wait()

    def start(self) -> None:
        with self._said.open("a") as said:
            self._process = Prepared(*self._command, stdout=said, stderr=said)

    def wait(self) -> None:
        """Return when it answers; as a supervisor does, start it again where its database was away when it began."""
        address = f"http://127.0.0.1:{self.port}"
        for _ in range(_STARTS):
            try:
                wait_for(address, self._process)
            except RuntimeError:
                last = self._said.read_text().strip().splitlines()[-1:]
                if _AWAY not in "".join(last):
                    raise RuntimeError(f"The server did not start: {last}") from None
                self.start()
            else:
                return
        raise RuntimeError("The server does not start, though its database is there.")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


def away(home: Path, chance: random.Random) -> tuple[int, list[str]]:
    """Play a story in a home, on SQLite or PostgreSQL: how many things happened, and what was wrong in the end."""
    postgresql = _postgresql() if chance.random() < 0.5 else None
    with _database(home, postgresql) as database:
        server = Server(database, home / "server-said")
        proxy = Proxy(server.port)
        flow = _begin(home, proxy.address, patience=chance.choice(["0.2", "2", "30"]))
        try:
            faults = _trouble(chance, flow, _kinds(server, proxy, postgresql))
            server.wait()
            RemoteOrchestrator(proxy.address, folder_of(home, proxy.address)).close()  # what the flow could not deliver
        finally:
            flow.kill()
            flow.wait()
            proxy.close()
            server.kill()
        wrong = [] if flow.returncode == 0 else [f"the flow failed: {(home / 'said').read_text()[-2000:]}"]
        return faults, wrong + _judged(database)


@cache
def _postgresql() -> Any:
    """A PostgreSQL server that can be stopped and started; it ends with the process."""
    # Not in a home: where root runs the tests, another user runs the server, and cannot look into it.
    folder = TemporaryDirectory(prefix="perdure-postgresql-", ignore_cleanup_errors=True)
    server = server_in(Path(folder.name, "data"))
    AT_THE_END.callback(folder.cleanup)
    AT_THE_END.callback(server.cleanup)
    return server


@contextmanager
def _database(home: Path, postgresql: Any) -> Iterator[str]:
    if postgresql is None:
        yield str(home / "server.db")
    else:
        with new_database(postgresql.get_uri()) as url:
            yield url


def _begin(home: Path, address: str, patience: str) -> Prepared:
    variables = {
        "PERDURE_HOME": str(home),
        "PERDURE_API_URL": address,
        "PERDURE_SERVER_PATIENCE_SECONDS": patience,
        "PERDURE_LOGGING_LEVEL": "INFO",
    }
    command = ["-m", "tests.chaos.reporting", str(TASKS)]
    with (home / "said").open("w") as said:
        return Prepared(*command, env=os.environ | variables, stdout=said, stderr=said)


Fault = tuple[Callable[[], object], Callable[[], object]]  # what happens, and what mends it


def _kinds(server: Server, proxy: Proxy, postgresql: Any) -> list[Fault]:
    kinds: list[Fault] = [(server.kill, server.start), (proxy.cut, proxy.mend), (server.freeze, server.thaw)]
    if postgresql is not None:
        kinds.append((postgresql.stop, postgresql.start))
    return kinds


def _trouble(chance: random.Random, flow: Prepared, kinds: list[Fault]) -> int:
    """Let things happen at random moments while the flow runs; how many did."""
    faults = 0
    while faults < _MOST and flow.poll() is None:
        time.sleep(chance.uniform(0, 1))
        happens, mends = chance.choice(kinds)
        happens()
        time.sleep(chance.choice([0, chance.uniform(0, _LONGEST)]))
        mends()
        faults += 1
    flow.wait(timeout=_PATIENCE)
    return faults


def _judged(database: str) -> list[str]:
    """What was lost, or is there twice."""
    known = opened(database)
    try:
        return list(_wrong(known))
    finally:
        known.close()


def _wrong(known: EmbeddedOrchestrator) -> Iterator[str]:
    runs: list[FlowRun] = list(known.flow_runs(RunFilter()))
    if [run.state_type for run in runs] != [S.COMPLETED]:
        yield f"the flow runs are {runs}"
        return
    tasks = known.task_runs(RunFilter())
    if len(tasks) != TASKS:
        yield f"{len(tasks)} task runs are known, not {TASKS}"
    for task in tasks:
        states = [state.type for state in known.states(task.id)]
        if states != _USUAL:
            yield f"the task run {task.name} has the states {states}"
    lines = sorted(line.message for line in known.logs(runs[0].id) if line.message.startswith("task "))
    if lines != sorted(f"task {number}" for number in range(TASKS) if number % PERSISTED):
        yield f"{len(lines)} lines are known, of which {len(set(lines))} are different"
