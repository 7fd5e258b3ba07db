"""Stories of deployments whose server, database, workers and runs are killed at random moments."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from perdure import session, settings
from perdure._platform.clock import from_datetime, system_clock, to_datetime
from perdure._rooms.deployments.port import Deployment, QueuedRun, QueueFilter
from perdure._rooms.deployments.runs import Wanted, make_runs
from perdure._scheduling.schedule import schedule_of
from perdure._store.protocol import Orchestrator
from perdure.records import FlowRun, RunFilter
from perdure.schedules import Interval
from perdure.states import StateType
from tests.chaos.servers import Server, _database, _postgresql
from tests.chaos.unattended_flows import once, resumed
from tests.postgresql_server import control
from tests.prepared import Prepared

WORKERS = 2
_KILLS = 12  # in a story
_RUNS = 30  # that wait when it begins
_PATIENCE = 150.0  # seconds for all to end, once nothing is killed any more
_LEASE = "3"
_FINAL = (StateType.COMPLETED, StateType.CRASHED)
_ENVIRONMENT = {
    "PERDURE_LEASE_SECONDS": _LEASE,
    "PERDURE_SERVICE_LOST_SECONDS": "1",
    "PERDURE_SERVER_PATIENCE_SECONDS": "30",
    "PERDURE_LOGGING_LEVEL": "INFO",
    "PYTHONPATH": os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")))),
}


class Reported(NamedTuple):
    """How a story went."""

    kills: int
    in_the_middle: int  # of runs and workers while runs were running
    wrong: list[str]


class _Worker:
    """A worker, and what it has started."""

    def __init__(self, home: Path, address: str) -> None:
        command = ["-m", "perdure", "worker", "start", "--limit", "3"]
        given = {**os.environ, "PERDURE_HOME": str(home), "PERDURE_API_URL": address}
        with (home / "workers-said").open("a") as said:
            self._process = Prepared(*command, env=given, stdout=said, stderr=said)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except Exception:
            self.kill()
            raise

    def below(self) -> list[int]:
        """The processes of its runs, those that begin, and those that fork others."""
        return _below(self._process.pid)


def _below(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            parents.setdefault(int(each.read_text().rpartition(")")[2].split()[1]), []).append(int(each.parent.name))
    found = list(parents.get(pid, []))
    for each in found:
        found += parents.get(each, [])
    return found


def killed_everything(home: Path, chance: random.Random) -> Reported:
    """Servers, PostgreSQL, workers, and what these start are killed while runs wait, begin, run and end."""
    postgresql = _postgresql() if chance.random() < 0.5 else None
    with _environment(), _database(home, postgresql) as database:
        (home / "ran").mkdir()
        deployments = _deploy(home, database, chance)
        server = Server(database, home / "server-said")
        address = f"http://127.0.0.1:{server.port}"
        workers = [_Worker(home, address) for _ in range(WORKERS)]
        try:
            kills, middle = _kill(chance, server, workers, postgresql, lambda: _Worker(home, address))
            server.wait()
            wrong = _settle(home, database, deployments) or _judged(home, database, deployments)
        finally:
            for each in workers:
                each.kill()
            server.kill()
            _end_all(home)
    return Reported(kills, middle, wrong)


def _end_all(home: Path) -> None:
    """Processes that have run several runs end by themselves once their worker is gone; until then they write here."""
    mark, until = f"PERDURE_HOME={home}\0".encode(), time.monotonic() + _PATIENCE
    while there := [each for each in Path("/proc").glob("[0-9]*") if mark in _environment_of(each)]:
        for each in there if time.monotonic() > until else ():
            os.kill(int(each.name), signal.SIGKILL)
        time.sleep(0.1)


def _environment_of(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""


@contextmanager
def _environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    settings.reload()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        settings.reload()


@contextmanager
def _known(home: Path, database: str) -> Iterator[Orchestrator]:
    with settings.temporary_settings(home=home, database=database):
        try:
            yield session.current().orchestrator
        finally:
            session.close()


def _deploy(home: Path, database: str, chance: random.Random) -> list[Deployment]:
    """A flow that runs once and one that is resumed: by hand, and by a schedule of every two seconds."""
    folder = {"folder": str(home / "ran")}
    every = [Interval(2, catchup="all", catchup_window=timedelta(hours=1))]
    job = {"runs_per_process": chance.choice([1, 3, 1_000])}
    with _known(home, database) as known:
        made = [
            flow.to_deployment(name, parameters=folder, schedules=schedules, job_variables=job).apply()
            for flow in (once, resumed)
            for name, schedules in (("queued", []), ("ticks", every))
        ]
        now = system_clock()
        for of in made:
            if of.name == "queued":
                wanted = [Wanted(now, {"seconds": chance.choice([0.0, 0.05, 0.5, 2.0])}) for _ in range(_RUNS // 2)]
                make_runs(of, wanted, now, known)
        return made


def _kill(
    chance: random.Random, server: Server, workers: list[_Worker], postgresql: Any, begin: Callable[[], _Worker]
) -> tuple[int, int]:
    """Kill one thing after another; how many, and how many while something ran."""
    kinds = ["run", "run", "run", "worker", "worker", "server", *(["postgresql"] if postgresql is not None else [])]
    kills = middle = 0
    while kills < _KILLS:
        time.sleep(chance.uniform(0.0, 1.2))
        kind, which = chance.choice(kinds), chance.randrange(len(workers))
        below = workers[which].below()
        if kind == "run":
            if not below:
                continue
            with suppress(ProcessLookupError):
                os.kill(chance.choice(below), signal.SIGKILL)
        elif kind == "worker":
            workers[which].kill()
            workers[which] = begin()
        elif kind == "server":
            server.kill()
            time.sleep(chance.choice([0.0, chance.uniform(0.0, 1.5)]))
            server.start()
        else:
            control(postgresql, "restart", "-m", "immediate")
        kills += 1
        middle += bool(below)
    return kills, middle


def _settle(home: Path, database: str, deployments: list[Deployment]) -> list[str]:
    """Let all end, and no more come; what does not end."""
    with _known(home, database) as known:
        for each in deployments:
            known.deployments.pause(each.id, system_clock())
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            open_ = known.deployments.queued(QueueFilter(phases=("waiting", "claimed")))
            if not open_:
                return []
            time.sleep(0.3)
        states = {run.id: (run.state_type, run.state_name) for run in known.flow_runs(RunFilter())}
        return [f"{place} has not ended: {states.get(place.flow_run_id)}" for place in open_]


def _judged(home: Path, database: str, deployments: list[Deployment]) -> list[str]:
    with _known(home, database) as known:
        places = list(known.deployments.queued(QueueFilter()))
        runs = {run.id: run for run in known.flow_runs(RunFilter())}
        wrong = [each for place in places for each in _wrong_of(place, runs.get(place.flow_run_id), home)]
        for of in deployments:
            own = [place for place in places if place.deployment_id == of.id]
            wrong += _wrong_ticks(of, own, known) if of.name == "ticks" else []
            if of.name == "queued" and len(own) != _RUNS // 2:
                wrong.append(f"{len(own)} runs of {of.flow_name}/queued are there, not {_RUNS // 2}.")
    return wrong


def _wrong_of(place: QueuedRun, run: FlowRun | None, home: Path) -> Iterator[str]:
    """What is wrong with a run that has ended."""
    if run is None:
        yield f"{place} has no run."
        return
    if run.state_type not in _FINAL:
        yield f"{run} has a place that ended, and has not ended: {run.state_name}."
    ran = home / "ran" / run.id
    begun = len(ran.read_text().splitlines()) if ran.exists() else 0
    if ran.with_suffix(".twice").exists():
        yield f"{run} was begun twice at once."
    if run.flow_name == "once" and begun > 1:
        yield f"{run} was begun {begun} times."
    if run.state_type is StateType.COMPLETED and begun == 0:
        yield f"{run} is Completed, and never ran."


def _wrong_ticks(of: Deployment, places: list[QueuedRun], known: Orchestrator) -> Iterator[str]:
    (schedule,) = known.deployments.schedules(of.id)
    every = schedule_of(json.loads(schedule.definition))
    due = {from_datetime(each) for each in every.ticks(to_datetime(schedule.created), to_datetime(schedule.seen))}
    made = [place.tick for place in places]
    if len(made) != len(set(made)):
        yield f"{len(made) - len(set(made))} ticks of {of.flow_name} are there twice."
    if due - set(made):
        yield f"{len(due - set(made))} ticks of {of.flow_name} are missing."


__all__ = ["Reported", "killed_everything"]
