"""Workers, with the processes that they start."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure import cancel_flow_run, continue_flow_run, session
from perdure._client.runs_seen import FlowRunSeen
from perdure._model.state_types import FINAL
from perdure._platform.ids import new_id
from perdure._rooms.deployments.port import QueueFilter, WorkerRecord, WorkPool
from perdure._worker import loop
from perdure._worker.infrastructure import Infrastructure, Job
from perdure._worker.jobs import Jobs
from perdure._worker.loop import Worker
from perdure._worker.process import ProcessInfrastructure, RunningProcess
from perdure.deployments import run_deployment
from perdure.errors import WorkerError
from perdure.records import RunFilter
from perdure.schedules import Interval
from perdure.states import StateType
from tests.deployments import deployed
from tests.prepared import Prepared

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
_SECOND = 1_000_000


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    return session.current().orchestrator


@contextmanager
def working(*pools: str, infrastructure: Infrastructure | None = None, **options) -> Iterator[Worker]:
    infrastructure = infrastructure or ProcessInfrastructure()
    worker = Worker(session.current(), pools or ("default",), infrastructure, makes_ticks=True, **options)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive()


def ended(known, run, seconds: float = 60):
    """A run once it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (after,) = known.flow_runs(RunFilter(ids=(run.id,)))
        if after.state_type in FINAL:
            return after
        time.sleep(0.05)
    raise AssertionError(f"{after} has not ended")


def state_of(known, run) -> tuple[StateType | None, str | None]:
    (after,) = known.flow_runs(RunFilter(ids=(run.id,)))
    return after.state_type, after.state_name


def test_a_run_is_begun_in_a_process_of_its_own_and_its_place_ends_with_it(known, tmp_path):
    deployed.counted.deploy("one", parameters={"folder": str(tmp_path)})
    run = run_deployment("one", timeout=0)
    with working():
        assert ended(known, run).state_type is StateType.COMPLETED
    (file,) = tmp_path.glob(f"{run.id}-*")
    assert file.name != f"{run.id}-{os.getpid()}"
    assert known.deployments.queued(QueueFilter())[0].phase == "ended"


def test_a_schedule_makes_runs_that_begin(known, tmp_path):
    deployed.counted.deploy("often", parameters={"folder": str(tmp_path)}, schedule=Interval(1))
    with working():
        deadline = time.monotonic() + 30
        while len(list(tmp_path.glob("*-*-*-*-*-*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        known.deployments.pause(known.deployments.all()[0].id, 1)
    ticks = [place.tick for place in known.deployments.queued(QueueFilter())]
    assert len(ticks) == len(set(ticks)) >= 2


def suspended(known, run, count: int) -> None:
    """Wait until a run has suspended itself for the so-many-th time, and its worker knows."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        (place,) = known.deployments.queued(QueueFilter(flow_run_ids=(run.id,)))
        if (place.phase, place.starts, state_of(known, run)[1]) == ("ended", count, "Suspended"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{place} is not suspended")


def test_a_run_that_suspends_itself_is_resumed_by_a_worker_each_time_it_is_continued(known):
    deployed.asks.deploy("one")
    run = run_deployment("one", timeout=0)
    with working():
        suspended(known, run, 1)
        continue_flow_run(run.id, input=3)
        suspended(known, run, 2)
        continue_flow_run(run.id, input=4)
        assert ended(known, run).state_type is StateType.COMPLETED
    assert FlowRunSeen(known.flow_runs(RunFilter(ids=(run.id,)))[0]).state.result() == 7


def test_a_program_that_cannot_be_loaded_ends_the_run_with_what_it_printed_without_secrets(known, tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("from perdure import flow\n\n@flow\ndef f(): pass\n\nif __name__ == '__main__': f.deploy('one')\n")
    environment = os.environ | {"PERDURE_HOME": os.environ["PERDURE_HOME"]}
    subprocess.run([sys.executable, str(file)], check=True, env=environment)
    wrong = "import sys, a_module_that_is_not_there"
    file.write_text(f"try: {wrong}\nexcept ImportError as e: sys.exit(f'{{e}}: x://me:hidden@here {'.' * 600}')\n")
    run = run_deployment("f/one", timeout=0)
    with working():
        after = ended(known, run)
    assert after.state_type is StateType.CRASHED
    log = "\n".join(line.message for line in known.logs(run.id))
    for said in (after.state_message, log):
        assert "a_module_that_is_not_there" in said
        assert "hidden" not in said
    assert "did not begin" in after.state_message


def test_a_run_that_is_killed_is_crashed_at_once(known):
    deployed.slow.deploy("one", parameters={"seconds": 60})
    run = run_deployment("one", timeout=0)
    with working():
        deadline = time.monotonic() + 30
        while state_of(known, run)[0] is not StateType.RUNNING and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(known.process(known.start(run.id).process_id).pid, signal.SIGKILL)
        assert ended(known, run, 10).state_type is StateType.CRASHED


def test_a_crashed_run_of_a_flow_that_resumes_is_resumed(known, tmp_path):
    deployed.dies_once.deploy("one", parameters={"folder": str(tmp_path)})
    run = run_deployment("one", timeout=0)
    with working():
        deadline = time.monotonic() + 60
        while state_of(known, run)[0] is not StateType.COMPLETED and time.monotonic() < deadline:
            time.sleep(0.1)
    assert state_of(known, run)[0] is StateType.COMPLETED
    assert known.deployments.queued(QueueFilter())[0].starts == 2


def test_a_run_is_cancelled_while_it_runs_and_its_process_is_gone(known):
    deployed.slow.deploy("one", parameters={"seconds": 60})
    run = run_deployment("one", timeout=0)
    with working():
        deadline = time.monotonic() + 30
        while state_of(known, run)[0] is not StateType.RUNNING and time.monotonic() < deadline:
            time.sleep(0.05)
        cancel_flow_run(run.id)
        assert state_of(known, run)[0] is StateType.CANCELLED


def test_no_more_runs_than_its_limit_run_at_once(known):
    deployed.slow.deploy("one", parameters={"seconds": 0.3})
    runs = [run_deployment("one", timeout=0) for _ in range(3)]
    most = 0
    with working(limit=1):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            claimed = known.deployments.queued(QueueFilter(phases=("claimed",)))
            most = max(most, len(claimed))
            if all(state_of(known, run)[0] in FINAL for run in runs):
                break
            time.sleep(0.02)
    assert most == 1
    assert {state_of(known, run)[0] for run in runs} == {StateType.COMPLETED}


def test_what_a_worker_claimed_that_is_gone_is_begun_by_another(known, tmp_path):
    deployed.counted.deploy("one", parameters={"folder": str(tmp_path)})
    run = run_deployment("one", timeout=0)
    now = session.current().clock()
    gone = WorkerRecord(new_id(), "gone", "default", "process", "0", "elsewhere", 1, None, 0, now, now)
    assert len(known.deployments.claim(gone, 1, now, now + _SECOND // 10)) == 1
    with working():
        assert ended(known, run).state_type is StateType.COMPLETED
    assert len(list(tmp_path.glob(f"{run.id}-*"))) == 1


def test_of_two_processes_that_were_started_for_one_run_one_begins_it(known, tmp_path):
    deployed.counted.deploy("one", parameters={"folder": str(tmp_path)})
    run = run_deployment("one", timeout=0)
    command = ["-m", "perdure", "flow-run", "start", run.id]
    processes = [Prepared(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(3)]
    codes = sorted(process.wait(60) for process in processes)
    assert codes == [0, 1, 1]
    assert len(list(tmp_path.glob(f"{run.id}-*"))) == 1


def test_a_worker_that_is_to_end_lets_its_runs_end(known):
    deployed.slow.deploy("one", parameters={"seconds": 1.0})
    run = run_deployment("one", timeout=0)
    with working():
        deadline = time.monotonic() + 30
        while state_of(known, run)[0] is not StateType.RUNNING and time.monotonic() < deadline:
            time.sleep(0.05)
    assert state_of(known, run)[0] is StateType.COMPLETED
    assert not known.deployments.workers()


class Refusing(ProcessInfrastructure):
    """Starts nothing, and keeps what it was to start."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def start(self, job: Job) -> RunningProcess:
        self.jobs.append(job)
        raise WorkerError("it starts nothing")


def test_a_run_is_started_as_the_version_says_that_it_was_made_with(known):
    for value in ("1", "2"):
        deployed.report.deploy("one", job_variables={"env": {"A": value}})
        run_deployment("one", timeout=0)
    infrastructure = Refusing()
    with working(infrastructure=infrastructure):
        for place in known.deployments.queued(QueueFilter()):
            ended(known, known.flow_runs(RunFilter(ids=(place.flow_run_id,)))[0])
    assert sorted(job.environment["A"] for job in infrastructure.jobs) == ["1", "2"]


def test_a_run_with_an_odd_definition_ends_and_keeps_none_from_beginning_that_was_claimed_with_it(
    known, tmp_path, monkeypatch
):
    deployed.counted.deploy("one", parameters={"folder": str(tmp_path)})
    odd, good = run_deployment("one", timeout=0), run_deployment("one", timeout=0)
    job_of = Jobs.of

    def of(self, run, *given):
        return {}["target"] if run.flow_run_id == odd.id else job_of(self, run, *given)

    monkeypatch.setattr(Jobs, "of", of)
    monkeypatch.setattr(loop, "_TRIES", 2)
    with working():
        assert ended(known, good).state_type is StateType.COMPLETED
        after = ended(known, odd)
    assert (after.state_type, after.state_message) == (StateType.CRASHED, "It did not begin: KeyError: 'target'")


def test_workers_of_other_pools_leave_a_run_alone(known):
    known.deployments.put_pool(WorkPool("other", "process", None, None, "{}", 1))
    deployed.report.deploy("one")
    run = run_deployment("one", timeout=0)
    with working("other"):
        time.sleep(1.0)
        assert [worker.work_pool for worker in known.deployments.workers()] == ["other"]
    assert state_of(known, run)[0] is StateType.SCHEDULED


def test_a_served_flow_runs_at_its_times_until_it_is_interrupted(known, tmp_path):
    file = tmp_path / "served.py"
    file.write_text(
        "from perdure import flow\n\n@flow\ndef f(x: int = 1): return x + 1\n\n"
        "if __name__ == '__main__':\n    f.serve('often', interval=1)\n"
    )
    process = subprocess.Popen([sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if len(known.flow_runs(RunFilter(states=(StateType.COMPLETED,)))) >= 2:
                break
            time.sleep(0.1)
        known.deployments.pause(known.deployments.named("f", "often").id, 1)  # or a busy machine has ever more of them
        by_hand = run_deployment("f/often", {"x": 5}, timeout=120, poll_interval=0.2)
        assert by_hand.state_type is StateType.COMPLETED
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "f/often" in said
    runs = known.flow_runs(RunFilter())
    assert {run.state_type for run in runs} <= {StateType.COMPLETED, StateType.SCHEDULED}


def test_in_coroutines_serving_is_awaited_and_ends_when_it_is_cancelled(known):
    async def main() -> object:
        serving = asyncio.ensure_future(deployed.report.serve("often", print_starting_message=False))
        run = await run_deployment("report/often", {"x": 2}, timeout=60, poll_interval=0.2)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        return run.state_type

    assert asyncio.run(main()) is StateType.COMPLETED
