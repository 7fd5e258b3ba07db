"""Stories of two machines that want to run one flow run: cut links, clocks that differ, namespaces of processes."""

import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import FlowRun, ResultFilter, RunFilter
from perdure.states import StateType as S
from tests.chaos.machines import CUTS, LEASE, Cut, Place, enter, link
from tests.chaos.owned import STEPS, ledger_of

# Seconds after it can know of it, a process has left a run that it has lost. Where packets were dropped, an attempt to
# connect may be under way, which sends its next packet seconds later.
STOPS_WITHIN: dict[Cut, float] = {"down": 5.0, "dropped": 10.0}
_PATIENCE = 90  # seconds for a process to end
DAY = 86_400.0
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.chaos.owners", "perdure._store.remote.orchestrator"])


class Machines:
    """Processes on two machines, "first" and "second", and what came of their flow run."""

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self.home = home
        self.ledger = home / "ledger"
        self.wrong: list[str] = []
        self._settings = {"PERDURE_LEASE_SECONDS": str(LEASE), "LEDGER": str(self.ledger), **settings}
        self._settings["PERDURE_LOCAL_STORAGE_PATH"] = str(home / "storage")
        self._known = EmbeddedOrchestrator(Path(settings.get("DATABASE", str(home / "perdure.db"))))

    def start(self, who: str, command: str, place: Place, argument: object = None, **settings: str) -> Any:
        """Have a machine do something; what it comes to is `said` by it."""
        settings = {**self._settings, **settings, "WHO": who, "PERDURE_HOME": str(self.home)}
        child = _context.Process(target=_main, args=(who, str(self.home), command, argument, place, settings))
        child.start()
        return child

    def run(self) -> FlowRun | None:
        """The flow run, once it is known."""
        ids = tuple({each.run_id for each in ledger_of(self.ledger)})
        tasks = self._known.task_runs(RunFilter(ids=ids)) if ids else ()
        runs = self._known.flow_runs(RunFilter(ids=(tasks[0].flow_run_id or "",))) if tasks else ()
        return runs[0] if runs else None

    def wait_for(self, what: str, is_so: Callable[[], bool], seconds: float = _PATIENCE) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                self.wrong.append(f"It is not so that {what}, after {seconds:g} s.")
                return
            time.sleep(0.02)

    def let_end(self) -> None:
        """Let the flow come to its end, whoever runs it."""
        Path(f"{self.ledger}.end").touch()

    def steps(self, who: str) -> int:
        """How many steps a machine has begun."""
        return sum(each.who == who for each in ledger_of(self.ledger))

    def said(self, who: str) -> str:
        """What a machine's command came to."""
        path = self.home / f"{who}.said"
        return path.read_text() if path.exists() else ""

    def expect(self, who: str, beginning: str) -> None:
        """Something is wrong if a machine said otherwise."""
        if not self.said(who).startswith(beginning):
            self.wrong.append(f"The {who} said {self.said(who)!r}, and should say {beginning!r}.")

    def expect_stop(self, child: Any, since: float, cut: Cut = "down") -> None:
        """Something is wrong if a process does not end soon."""
        child.join(_PATIENCE)
        took = time.monotonic() - since
        if took > STOPS_WITHIN[cut]:
            self.wrong.append(f"The first machine's process went on for {took:.1f} s.")

    def end(self, *children: Any) -> None:
        """Wait for processes."""
        for child in children:
            child.join(_PATIENCE)
            if child.is_alive():
                self.wrong.append("A process does not end.")
                child.terminate()
                child.join()

    def judged(self, owners: int) -> list[str]:
        """What is wrong, now that all has ended; of steps that were accepted from two owners, how many there are."""
        run, ran = self.run(), ledger_of(self.ledger)
        results = {each.run_id for each in self._known.results(ResultFilter(kinds=("persisted",)))}
        accepted = [each for each in ran if each.run_id in results]
        twice = [number for number, count in Counter(each.number for each in accepted).items() if count > 1]
        if twice:
            self.wrong.append(f"Steps accepted from two owners: {twice}.")
        missing = set(range(STEPS)) - {each.number for each in accepted}
        if missing:
            self.wrong.append(f"Steps whose results were lost: {sorted(missing)}.")
        if run is None or run.state_type is not S.COMPLETED:
            self.wrong.append(f"The run is lost: {run and run.state_name}.")
        else:
            ends = [state.type for state in self._known.states(run.id)].count(S.COMPLETED)
            self.wrong += [f"It completed {ends} times."] if ends != 1 else []
        by = {each.who for each in ran}
        if len(by) != owners:
            self.wrong.append(f"It was run by {sorted(by)}.")
        again = Counter(each.number for each in ran)
        if owners == 1 and max(again.values(), default=0) > 1:
            self.wrong.append("Steps ran twice, though nobody took over.")
        self._known.close()
        return self.wrong


def partition(home: Path, chance: random.Random, story: int | None = None, cut: Cut | None = None) -> list[str]:
    """The link between a flow and its server is cut, and comes back; somebody else may have resumed the run since."""
    cable = link()
    cut = cut or chance.choice(CUTS)
    patience = chance.choice(["0.2", "30"])
    variables = {
        "PERDURE_API_URL": cable.url,
        "DATABASE": str(cable.database),
        "PERDURE_SERVER_PATIENCE_SECONDS": patience,
    }
    machines = Machines(home, variables)
    here, there = Place(cable.here, "first", own_processes=True), Place(cable.there, "second")
    owner = machines.start("first", "begin", here, chance.uniform(0.05, 0.2))
    at_least = chance.randint(1, STEPS // 4)
    machines.wait_for("the flow has begun", lambda: machines.steps("first") >= at_least and machines.run() is not None)
    run = machines.run()
    story = chance.randrange(4) if story is None else story
    if run is None:
        return machines.judged(0)
    try:
        if story != 2:
            cable.cut(cut)
        if story == 1:  # it comes back, before or after the server takes the process for gone; nobody resumes
            time.sleep(chance.uniform(0.1, 3 * LEASE))
            cable.heal()
            machines.let_end()
            machines.end(owner)
            machines.expect("first", f"[{sum(range(STEPS))}")
            return machines.judged(owners=1)
        if story == 0:
            machines.wait_for("it counts as crashed", lambda: _state(machines) is S.CRASHED)
        command = "resume" if story == 0 else "take over"
        second = machines.start("second", command, there, run.id, PERDURE_HOME=str(home / "second"))
        machines.wait_for("the second has it", lambda: machines.steps("second") > 0)
        time.sleep(chance.uniform(0.0, 2.0))
    finally:
        cable.heal()
        machines.let_end()
    machines.expect_stop(owner, time.monotonic(), cut)
    machines.end(second)
    machines.end(machines.start("third", "deliver", here))
    machines.expect("second", f"[{sum(range(STEPS))}")
    return machines.judged(owners=2)


def clocks(home: Path, chance: random.Random, story: int | None = None) -> list[str]:
    """Two machines share a database in a file, and their clocks differ by 45 seconds, or by a day."""
    ahead = chance.choice([-DAY, -45.0, 45.0, DAY])
    first = Place(host="first", own_processes=True, ahead=chance.choice([0.0, -ahead / 2]))
    return _shared(home, chance, story, first, Place(host="second", ahead=ahead))


def namespaces(home: Path, chance: random.Random, story: int | None = None) -> list[str]:
    """Two containers share a database in a file, and perhaps their host name."""

    def container(name: str) -> Place:
        return Place(host=chance.choice([name, None]), own_processes=True, own_proc=chance.random() < 0.7)

    first, second = container("first"), container("second")
    return _shared(home, chance, story, first, second if chance.random() < 0.6 else Place())


def _shared(home: Path, chance: random.Random, story: int | None, here: Place, there: Place) -> list[str]:
    machines = Machines(home, {})
    owner = machines.start("first", "begin", here, chance.uniform(0.05, 0.2))
    machines.wait_for("the flow has begun", lambda: machines.steps("first") > 0 and machines.run() is not None)
    run = machines.run()
    if run is None:
        return machines.judged(0)
    story = chance.randrange(3) if story is None else story
    if story == 0:  # it runs: nobody resumes it
        command = chance.choice(["resume", "crashed"])
        machines.end(machines.start("second", command, there, run.id))
        machines.let_end()
        machines.end(owner)
        machines.expect("first", f"[{sum(range(STEPS))}")
        machines.expect("second", "ResumeError" if command == "resume" else "[0")
        return machines.judged(owners=1)
    if story == 1:  # it is killed: it is resumed after a lease
        owner.terminate()
        owner.join()
        machines.let_end()
        machines.end(machines.start("second", chance.choice(["resume", "crashed"]), there, run.id))
    else:
        second = machines.start("second", "take over", there, run.id)
        machines.wait_for("the second has it", lambda: machines.steps("second") > 0)
        machines.let_end()
        machines.expect_stop(owner, time.monotonic())
        machines.end(second)
        machines.expect("first", "RunTakenOver")
    return machines.judged(owners=2)


def _state(machines: Machines) -> S | None:
    run = machines.run()
    return None if run is None else run.state_type


# In the processes


def _main(who: str, home: str, command: str, argument: Any, place: Place, variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    log = os.open(Path(home) / f"{who}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(log, stream.fileno())
    enter(place)
    from perdure import session
    from perdure._settings import settings

    settings.reload()
    try:
        said = json.dumps([_COMMANDS[command](argument)])
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    (Path(home) / f"{who}.said").write_text(said)
    session.close()
    os._exit(0)


def _begin(seconds: float) -> int:
    from tests.chaos.owned import owned

    return owned(seconds)


def _resume(run_id: str) -> int:
    from tests.chaos.owned import owned

    return int(owned.resume(run_id))


def _take_over(run_id: str) -> int:
    from tests.chaos.owned import owned

    return int(owned.resume(run_id, take_over=True))


def _crashed(_: object) -> int:
    """Resume all that crashed; how many there were."""
    from perdure import session
    from perdure._engine.recovery.lost_runs import lost_runs
    from tests.chaos.owned import owned

    found = list(lost_runs(session.current()))
    for run in found:
        owned.resume(run.id)
    return len(found)


def _deliver(_: object) -> int:
    """Deliver what processes that are gone have left."""
    from perdure import session

    session.current().orchestrator.flush()
    return 0


_COMMANDS: Mapping[str, Callable[[Any], int]] = {
    "begin": _begin,
    "resume": _resume,
    "take over": _take_over,
    "crashed": _crashed,
    "deliver": _deliver,
}
