"""What may happen to a flow run until it has ended: each story is played in a home of its own, and judged."""

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from perdure import session
from perdure.records import ResultFilter
from perdure.states import StateType
from perdure.testing.crashes import root_run
from perdure.testing.home import fresh_home
from perdure.testing.invariants import Witness
from tests import prepared
from tests.chaos import owners, servers, unattended, workers
from tests.chaos.children import FAIR, Weather, kill, run, start
from tests.resume.corpus import CASES, Case, ledger
from tests.resume.surviving import broken_promises, has_ended

NAMES = tuple(CASES)
_MOST_PROCESSES = 12  # until a story is to have ended


class Played(NamedTuple):
    """How a story went."""

    case: str
    kills: int  # how many processes were killed
    in_the_middle: int  # of these, how many had executed a task
    wrong: list[str]


class Undisturbed(NamedTuple):
    """How a case goes when nothing happens."""

    seconds: float
    executions: int


def played(kind: str, seed: int, usual: dict[str, Undisturbed]) -> Played:
    """Play a story; equal seeds give equal cases, but moments are moments."""
    chance = random.Random(f"{kind} {seed}")
    name = name_of(kind, seed)
    with fresh_home() as home:
        home.mkdir(exist_ok=True)
        return STORIES[kind](name, home, chance, usual.get(name, Undisturbed(0.0, 0)))


def name_of(kind: str, seed: int) -> str:
    """The case that a story is about."""
    # A child's own processes cannot be given its wrong clock, and no two processes of one machine differ in theirs.
    names = [name for name in NAMES if kind != "clock" or name != "in_processes"]
    return names[seed % len(names)]


def undisturbed(name: str) -> Undisturbed:
    """Measure an undisturbed run."""
    with fresh_home() as home:
        return Undisturbed(run(home, name), len(ledger().executions()))


def killed_again_and_again(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """Up to three processes are killed at random moments."""
    story = _Story(name, home)
    for _ in range(3):
        if story.has_ended():
            break
        if chance.random() < 0.5:
            story.kill_one(chance.uniform(0, 1.2 * usual.seconds))
        else:
            story.kill_at_work(chance, usual)
    story.resume_to_the_end(by_command=chance.random() < 0.05)
    return story.judged()


def disk_full(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """Files cannot grow beyond a random size, until they can again."""
    story = _Story(name, home, is_fair=False)
    story.play(Weather(most_bytes=int(2 ** chance.uniform(12, 19))))
    story.resume_to_the_end()
    return story.judged()


def documents_corrupt(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """After a kill, stored results are changed, cut or removed."""
    story = _Story(name, home, is_fair=False)
    story.kill_at_work(chance, usual)
    for file in sorted((home / "storage").rglob("*")):
        if file.is_file() and file.stat().st_size and chance.random() < 0.7 and not story.has_ended():
            corrupt(file, chance)
            story.spoilt.add(file.name.partition(".")[0])
    story.resume_to_the_end()
    return story.judged()


def corrupt(file: Path, chance: random.Random) -> None:
    data = file.read_bytes()
    place = chance.randrange(len(data))
    how = chance.choice(["change", "cut", "empty", "remove"])
    if how == "change":
        file.write_bytes(data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :])
    elif how == "cut":
        file.write_bytes(data[:place])
    elif how == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()


def database_locked(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """Somebody else holds the database for a second or two, while the flow runs and while it is resumed."""
    story = _Story(name, home)
    child = story.begin()
    child.join(chance.uniform(0, 0.8 * usual.seconds))
    with locked(home):
        killed = kill(child, chance.uniform(0.2, 1.5)) if chance.random() < 0.5 else False
    if killed:
        story.kills += 1
    else:
        child.join()
    story.look()
    if not story.has_ended():
        child = story.begin()
        with locked(home):
            time.sleep(chance.uniform(0.2, 1.0))
        child.join()
        story.look()
    story.resume_to_the_end()
    return story.judged()


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the database as a writer does that never ends."""
    connection = sqlite3.connect(home / "perdure.db", isolation_level=None, timeout=30)
    try:
        with suppress(sqlite3.OperationalError):
            connection.execute("BEGIN IMMEDIATE")
        yield
    finally:
        connection.close()


def clock_jumps(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """Each process has a clock that is wrong by days, and that jumps; some are killed."""
    story = _Story(name, home)
    for _ in range(2):
        if not story.has_ended():
            weather = Weather(clock=chance.randrange(10**9))
            story.kill_at_work(chance, usual, weather)
    story.resume_to_the_end(Weather(clock=chance.randrange(10**9)))
    return story.judged()


def server_away(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """The server of a flow under load is killed, frozen or cut off, its database restarted; the case plays no part."""
    faults, wrong = servers.away(home, chance)
    return Played("reporting", faults, 0, wrong)


def workers_killed(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """Workers of a flow's task runner are killed, not the flow; the case plays no part."""
    reported = workers.killed_workers(chance)
    return Played(reported.case, reported.kills, reported.in_the_middle, _with_place(reported.wrong, home, "workers"))


def everything_killed(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
    """Servers, databases, workers and runs of deployments are killed; the case plays no part."""
    reported = unattended.killed_everything(home, chance)
    return Played("unattended", reported.kills, reported.in_the_middle, _with_place(reported.wrong, home, "unattended"))


def _of_owners(play: Callable[[Path, random.Random], list[str]]) -> "Play":
    """A story of two machines that want to run one flow run; the case plays no part."""

    def played(name: str, home: Path, chance: random.Random, usual: Undisturbed) -> Played:
        wrong = play(home, chance)
        return Played("owned", 0, 0, _with_place(wrong, home, "owned"))

    return played


Play = Callable[[str, Path, random.Random, Undisturbed], Played]
# Only root can play these.
OWNERS: dict[str, Play] = {
    "partitions": _of_owners(owners.partition),
    "clocks": _of_owners(owners.clocks),
    "namespaces": _of_owners(owners.namespaces),
}
STORIES: dict[str, Play] = {
    "kills": killed_again_and_again,
    "disk": disk_full,
    "corruption": documents_corrupt,
    "lock": database_locked,
    "clock": clock_jumps,
    "server": server_away,
    "workers": workers_killed,
    "unattended": everything_killed,
    **OWNERS,
}
WITHOUT_CASES = frozenset({"server", "workers", "unattended", *OWNERS})


class _Story:
    """A case in its home, process after process."""

    def __init__(self, name: str, home: Path, is_fair: bool = True) -> None:
        self.name = name
        self.home = home
        self.kills = 0
        self._in_the_middle = 0
        self.spoilt: set[str] = set()  # keys of documents that were corrupted
        self._case: Case = CASES[name]
        self._is_fair = is_fair  # whether storage keeps what it was given, and takes what it is given
        self._witness = Witness(ledger(), failed_too=not self._case.has_retries)
        self._wrong: list[str] = []
        self._ended_undisturbed = False

    def has_ended(self) -> bool:
        """Whether the flow run has come to an end that nobody resumes from."""
        found = root_run()
        session.close()
        return has_ended(found) and not self._is_to_be_retried()

    def begin(self, weather: Weather = FAIR) -> Any:
        """Begin the flow run, or resume it."""
        return start(self.home, self._command(), weather)

    def play(self, weather: Weather = FAIR) -> None:
        """Have a process begin, or go on, and come to its end."""
        run(self.home, self._command(), weather)
        self._ended_undisturbed = True
        self.look()

    def kill_at_work(self, chance: random.Random, usual: Undisturbed, weather: Weather = FAIR) -> None:
        """Have a process begin, or go on, and kill it just after it has executed some task."""
        so_far = len(ledger().executions())
        least = so_far + chance.randint(0, max(0, usual.executions - so_far))
        self.kill_one(chance.uniform(0, 0.01), weather, lambda: len(ledger().executions()) >= least)

    def kill_one(self, after: float, weather: Weather = FAIR, is_time: Callable[[], bool] | None = None) -> None:
        """Have a process begin, or go on, and kill it after some seconds, which begin when it `is_time`."""
        before = len(ledger().executions())
        was_killed = kill(self.begin(weather), after, is_time)
        self.kills += was_killed
        self._in_the_middle += was_killed and len(ledger().executions()) > before
        self._ended_undisturbed = not was_killed
        self.look()

    def resume_to_the_end(self, weather: Weather = FAIR, by_command: bool = False) -> None:
        """Let processes go on, undisturbed."""
        for _ in range(_MOST_PROCESSES):
            if self.has_ended():
                return
            found = root_run()
            session.close()
            if by_command and found is not None:
                self._resume_by_command(found.id)
                self._ended_undisturbed = True
                self.look()
            else:
                self.play(weather)

    def look(self) -> None:
        """See what was executed."""
        found = self._witness.look(session.current().orchestrator)
        session.close()
        if self._is_fair:
            self._wrong += found

    def judged(self) -> Played:
        """The end of the story."""
        wrong = self._wrong + broken_promises(self._case, self._ended_undisturbed)
        if not self._is_fair:
            wrong = [each for each in wrong if not each.startswith("These hooks") and not self._was_spoilt(each)]
        return Played(self.name, self.kills, self._in_the_middle, _with_place(wrong, self.home, self.name))

    def _command(self) -> str:
        found = root_run()
        session.close()
        return self.name if found is None else "retry-failed" if self._is_to_be_retried() else "resume"

    def _is_to_be_retried(self) -> bool:
        found = root_run()
        session.close()
        failed = found is not None and found.state_type is StateType.FAILED
        return failed and not self._is_fair and self._case.state is not StateType.FAILED

    def _was_spoilt(self, wrong: str) -> bool:
        if not wrong.startswith("The result of"):
            return False
        run_id = wrong.removeprefix("The result of ").partition(" ")[0]
        records = session.current().orchestrator.results(ResultFilter(run_ids=(run_id,)))
        return any((record.storage_key or "").rpartition("/")[2].partition(".")[0] in self.spoilt for record in records)

    def _resume_by_command(self, run_id: str) -> None:
        environment = {**os.environ, "PERDURE_HOME": str(self.home)}
        prepared.run("-m", "perdure", "flow-run", "resume", run_id, env=environment)


def _with_place(wrong: list[str], home: Path, name: str) -> list[str]:
    return [*wrong, f"kept: {_kept(home, name)}"] if wrong else []


def _kept(home: Path, name: str) -> Path:
    """A copy of a home in which something went wrong, for whoever looks into it."""
    import shutil
    import tempfile

    place = Path(tempfile.mkdtemp(prefix=f"chaos-{name}-"))
    session.close()
    shutil.copytree(home, place, dirs_exist_ok=True)
    return place
