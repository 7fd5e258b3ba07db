"""Stories of flows whose task runner's workers are killed at random moments, again and again."""

import faulthandler
import importlib.util
import os
import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from typing import Any, NamedTuple

from perdure import session
from perdure._runners import processes
from perdure.errors import ResultLost
from perdure.records import RunFilter, TaskRun
from perdure.results import get_result
from perdure.states import StateType
from perdure.task_runners import DaskTaskRunner, ProcessTaskRunner, RayTaskRunner
from perdure.testing.crashes import root_run
from perdure.testing.invariants import Witness, violations
from tests.at_the_end import AT_THE_END
from tests.chaos.on_workers import CASES, Case, below, ledger, places
from tests.dask_cluster import DaskCluster
from tests.ray_cluster import ray_cluster, ray_workers

WORKERS = 2
_PATIENCE = 120.0  # seconds for a flow to end
_LOOK = 0.002  # seconds between two looks at how far a flow has come
_MANY = 30  # retries: more than a call ever needs
_LINE = 45  # bytes of the ledger for an execution, at least


class Killed(NamedTuple):
    """What the stories need of a task runner's workers."""

    runner: Callable[[], Any]  # a new task runner
    kill: Callable[[random.Random], "tuple[int, str] | None"]  # one of them: its process, and what it is called
    lost: str  # a pattern of what is said of a call that was lost with its worker, whose group is what that is called


@cache
def cluster() -> DaskCluster:
    """One for all stories of this process."""
    made = DaskCluster(WORKERS)
    AT_THE_END.callback(made.close)
    return made


def _kill_process(chance: random.Random) -> "tuple[int, str] | None":
    living = [each._process for each in tuple(processes._children) if each._process.returncode is None]
    if not living:
        return None
    pid = chance.choice(living).pid
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return pid, str(pid)


def _kill_dask_worker(chance: random.Random) -> "tuple[int, str] | None":
    living = cluster().workers()
    if not living:
        return None
    address = chance.choice(sorted(living))
    with suppress(ProcessLookupError):
        os.kill(living[address], signal.SIGKILL)
    return living[address], address


@cache
def _start_ray() -> None:
    """One for all stories of this process."""
    stack = ExitStack()
    stack.enter_context(ray_cluster())
    AT_THE_END.callback(stack.close)


def _on_ray() -> RayTaskRunner:
    _start_ray()
    return RayTaskRunner()


def _kill_ray_worker(chance: random.Random) -> "tuple[int, str] | None":
    living = ray_workers()
    if not living:
        return None
    pid = chance.choice(living)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return pid, str(pid)


RUNNERS: dict[str, Killed] = {
    "processes": Killed(
        lambda: ProcessTaskRunner(WORKERS), _kill_process, r"was lost: process (\d+) was killed by SIGKILL"
    ),
    "dask": Killed(
        lambda: DaskTaskRunner(address=cluster().address),
        _kill_dask_worker,
        r"was lost: Dask worker (tcp://\S+) is gone",
    ),
    "ray": Killed(_on_ray, _kill_ray_worker, r"was lost: Ray worker \S+ \(process (\d+)\) is gone"),
}
HERE = [name for name in RUNNERS if name != "ray" or importlib.util.find_spec("ray") is not None]


class Reported(NamedTuple):
    """How a story went: what it was about, how many workers were killed, how many at work; what was wrong."""

    case: str
    kills: int
    in_the_middle: int
    wrong: list[str]


def killed_workers(chance: random.Random, on: str | None = None, name: str | None = None) -> Reported:
    """Up to four workers are killed while a flow runs; what was lost and persisted is resumed after."""
    on = on or os.environ.get("CHAOS_RUNNER") or chance.choice(HERE)
    name = name or chance.choice(list(CASES))
    retries, persisted = chance.choice([0, 1, _MANY, _MANY]), chance.random() < 0.5
    story = _Story(CASES[name], RUNNERS[on], retries, persisted, chance)
    story.play()
    if persisted:
        story.resume()
    how = f"{name} on {on}, retries={retries}, {'persisted' if persisted else 'not persisted'}"
    return Reported(how, len(story.killed), story.killed_at_work(), story.wrong)


class _Story:
    """A flow run in a home of its own."""

    def __init__(self, case: Case, on: Killed, retries: int, persisted: bool, chance: random.Random) -> None:
        self.killed: dict[int, str] = {}  # what workers that were killed are called, by their processes
        self.wrong: list[str] = []
        self._case, self._on, self._retries, self._chance = case, on, retries, chance
        self._flow = case.flow.with_options(task_runner=on.runner(), durable=persisted)
        self._ended = threading.Event()

    def play(self) -> None:
        """Run the flow while workers are killed."""
        killer = threading.Thread(target=self._kill, name="killer")
        killer.start()
        try:
            state: Any = self._run(lambda: self._flow(self._retries, return_state=True))
        finally:
            self._ended.set()
            killer.join()
        self.wrong += violations(session.current().orchestrator)
        runs = session.current().orchestrator.task_runs(RunFilter())
        executions = Counter(each.run_id for each in (*ledger().executions(), *below().executions()))
        for run in runs:
            self.wrong += self._wrong_of(run, executions[run.id])
        if self._retries == _MANY or not self.killed:
            self._judge_outcome(state.result(raise_on_failure=False))

    def resume(self) -> None:
        """Have the flow run come to its end undisturbed: what was completed is not run again."""
        witness = Witness(ledger(), failed_too=False)
        witness.look(session.current().orchestrator)
        run = root_run()
        assert run is not None
        if run.state_type is not StateType.COMPLETED:
            self._run(lambda: self._flow.resume(run.id, retry_failed=True))
        self.wrong += witness.look(session.current().orchestrator) + violations(session.current().orchestrator)
        self._judge_outcome(get_result(run.id, raise_on_failure=False))

    def killed_at_work(self) -> int:
        """How many of those that were killed had executed something."""
        at_work = {int(each.what) for each in places().executions()}
        return len(at_work & self.killed.keys())

    def _run(self, call: Callable[[], object]) -> object:
        """What a call gives or raises. It is made in a thread of its own, so that one that never ends is seen."""
        came: list[object] = []

        def run() -> None:
            try:
                came.append(call())
            except Exception as error:
                came.append(error)

        thread = threading.Thread(target=run, name="story", daemon=True)
        thread.start()
        thread.join(_PATIENCE)
        if not came:
            faulthandler.dump_traceback()
            raise TimeoutError(f"The flow has not ended after {_PATIENCE:g} s.")
        return came[0]

    def _kill(self) -> None:
        path = ledger()._path
        for _ in range(self._chance.randint(1, 4)):
            least = self._chance.uniform(0, self._case.executions) * _LINE
            while (path.stat().st_size if path.exists() else 0) < least and not self._ended.wait(_LOOK):
                pass
            if self._ended.wait(self._chance.uniform(0, 0.05)):
                return
            found = self._on.kill(self._chance)
            if found is not None:
                self.killed[found[0]] = found[1]

    def _wrong_of(self, run: TaskRun, executions: int) -> list[str]:
        states = session.current().orchestrator.states(run.id)
        attempts = 1 + [each.name for each in states].count("AwaitingRetry")
        wrong = (
            [] if executions <= attempts else [f"{run.name} was executed {executions} times in {attempts} attempts."]
        )
        if [each.type for each in states].count(StateType.COMPLETED) > 1:
            wrong.append(f"{run.name} completed more than once.")
        if run.state_type is StateType.CRASHED:
            wrong += self._wrong_of_lost(run, str(states[-1].message), attempts)
        elif run.state_type is not StateType.COMPLETED and run.state_name != "NotReady":
            wrong.append(f"{run.name} is {run.state_name}: {states[-1].message}")
        return wrong

    def _wrong_of_lost(self, run: TaskRun, message: str, attempts: int) -> list[str]:
        named = re.search(self._on.lost, message)
        if named is None:
            return [] if "persist_result" in message else [f"{run.name} says no worker: {message}"]
        wrong = [] if named[1] in self.killed.values() else [f"{run.name} names another worker: {message}"]
        is_flows_own = run.parent_task_run_id is None and run.flow_run_id == getattr(root_run(), "id", None)
        if is_flows_own and attempts != 1 + self._retries:
            wrong.append(f"{run.name} was lost after {attempts} attempts, with {self._retries} retries.")
        return wrong

    def _judge_outcome(self, came: object) -> None:
        is_lost = isinstance(came, ResultLost) and not self._flow.options.durable  # which a killed worker had held
        if came != self._case.outcome and not is_lost:
            self.wrong.append(f"The flow run came to {came!r}.")
