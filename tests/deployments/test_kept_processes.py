"""Runs that follow each other in one process: each is as if it had a process of its own, and loses no other one."""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure import cancel_flow_run, session
from perdure._rooms.deployments.port import QueueFilter
from perdure._rooms.deployments.runs import Wanted, make_runs
from perdure._rooms.deployments.store import SqlDeployments
from perdure._worker.claimed_ahead import Ahead
from perdure._worker.fork_server import WarmStart
from perdure._worker.process import ProcessInfrastructure
from perdure.flows import load_flow_from_entrypoint
from perdure.records import FlowRun, RunFilter
from perdure.states import StateType
from tests.deployments.test_workers import known, working  # noqa: F401 - known is a fixture

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")]
_PATIENCE = 60.0
_KEPT = {"runs_per_process": 100}
_PROGRAM = """
import contextvars, json, os, random, signal, subprocess, sys, threading, time
from pathlib import Path
from perdure import flow, task
from perdure.runtime import flow_run, deployment

MARK = contextvars.ContextVar("MARK", default="nothing")
LOADED = []

@task(persist_result=True, timeout_seconds=60)
def one(x):
    return [x]

@task
async def other(x):
    return x

@flow(persist_result=True, timeout_seconds=60, log_prints=True)
def uses(folder: str, what: str = ""):
    found = one.submit(1).result() + [each.result() for each in one.map([2, 3])]
    print("found", found)
    Path(folder, str(flow_run.id)).write_text(json.dumps([{}, {"pid": os.getpid()}]))
    return found

@flow
async def awaits(folder: str, what: str = ""):
    await other(1)
    other.submit(2).result()
    Path(folder, str(flow_run.id)).write_text(json.dumps([{}, {"pid": os.getpid()}]))

@flow
def sees(folder: str, what: str = ""):
    seen = {
        "directory": os.getcwd(), "environment": os.environ.get("MARK"), "home": os.environ.get("HOME"),
        "handlers": [str(signal.getsignal(each)).partition(" at ")[0] for each in (signal.SIGALRM, signal.SIGUSR1)],
        "path": sys.path[:3], "context": MARK.get(), "umask": os.umask(0o022), "stream": sys.stdout.name,
        "alarm": signal.getitimer(signal.ITIMER_REAL)[0], "arguments": sys.argv[1:-1],
        "deployment": deployment.name, "blocked": [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    }
    own = {"run": flow_run.id == sys.argv[-1], "pid": os.getpid(), "random": random.random()}
    Path(folder, str(flow_run.id)).write_text(json.dumps([seen, own]))
    print("printed by", flow_run.id)
    LOADED.append(1)
    os.chdir("/")
    os.environ["MARK"] = "left behind"
    os.environ.pop("HOME", None)
    sys.path.insert(0, "/left")
    MARK.set("left behind")
    random.seed(1)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 600)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    sys.stdout = open(os.devnull, "w")
    if what == "thread":
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    if what == "process":
        subprocess.Popen(["sleep", "600"], start_new_session=False)
    if what == "memory":
        sys.left = bytearray(80_000_000)
    if what == "fails":
        1 / 0
    if what == "dies":
        os.kill(os.getpid(), 9)
    if what == "exits":
        raise SystemExit(7)
    if what == "sleeps":
        Path(folder, "begun").touch()
        while True:
            try:
                time.sleep(600)
            except BaseException:
                pass
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "kept_program.py"
    file.write_text(_PROGRAM)
    return file


@contextmanager
def kept(limit: int = 1) -> Iterator[ProcessInfrastructure]:
    """A worker whose processes run several runs."""
    infrastructure = ProcessInfrastructure(shows=False, warm=WarmStart(at_once=True))
    try:
        with working(infrastructure=infrastructure, limit=limit):
            yield infrastructure
    finally:
        infrastructure.close()


def queued(program: Path, folder: Path, *whats: str, flow: str = "sees", **job: object) -> list[str]:
    """Runs that wait, in this order; their ids."""
    of = load_flow_from_entrypoint(f"{program}:{flow}").to_deployment("kept", job_variables={**_KEPT, **job}).apply()
    asked, now = session.current().orchestrator, session.current().clock()
    return [
        make_runs(of, [Wanted(now + place, parameters={"folder": str(folder), "what": what})], now, asked)[0]
        for place, what in enumerate(whats)
    ]


def until(condition: Callable[[], object], what: str):
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {_PATIENCE:g} seconds: {what}")


def all_ended(ids: list[str]) -> dict[str, FlowRun]:
    """The runs, once their places have ended, too."""
    asked = session.current().orchestrator
    until(lambda: not asked.deployments.queued(QueueFilter(phases=("waiting", "claimed"))), "the end of all places")
    return {run.id: run for run in asked.flow_runs(RunFilter(ids=tuple(ids)))}


def seen_by(folder: Path, id: str) -> tuple[dict, dict]:
    seen, own = json.loads((folder / id).read_text())
    return seen, own


def pids(folder: Path, ids: list[str]) -> list[int]:
    return [seen_by(folder, id)[1]["pid"] for id in ids]


def test_runs_follow_each_other_in_one_process_and_see_nothing_of_each_other(known, program, tmp_path):  # noqa: F811
    ids = queued(program, tmp_path, "", "fails", "")
    with kept():
        runs = all_ended(ids)
    assert [runs[id].state_type for id in ids] == [StateType.COMPLETED, StateType.FAILED, StateType.COMPLETED]
    first, *others = [seen_by(tmp_path, id) for id in ids]
    assert [seen for seen, _ in others] == [first[0]] * 2
    assert first[0]["environment"] is None
    assert len(set(pids(tmp_path, ids))) == 1
    assert len({own["random"] for _, own in (first, *others)}) == 3
    assert all(own["run"] for _, own in (first, *others))


@pytest.mark.parametrize("flow", ["uses", "awaits"])
def test_runs_of_what_flows_use_follow_each_other_in_one_process(known, program, tmp_path, flow):  # noqa: F811
    ids = queued(program, tmp_path, "", "", "", flow=flow)
    with kept():
        runs = all_ended(ids)
    assert {run.state_type for run in runs.values()} == {StateType.COMPLETED}
    assert len(set(pids(tmp_path, ids))) == 1


def test_a_process_runs_no_more_than_was_said(known, program, tmp_path):  # noqa: F811
    ids = queued(program, tmp_path, *[""] * 5, runs_per_process=2)
    with kept():
        all_ended(ids)
    assert sorted(Counter(pids(tmp_path, ids)).values()) == [1, 2, 2]


@pytest.mark.parametrize("what", ["thread", "process", "memory"])
def test_a_run_that_leaves_something_behind_is_the_last_one_of_its_process(known, program, tmp_path, what):  # noqa: F811
    ids = queued(program, tmp_path, what, "", memory_per_process=100 if what == "memory" else 1_000)
    with kept():
        runs = all_ended(ids)
    assert {run.state_type for run in runs.values()} == {StateType.COMPLETED}
    assert len(set(pids(tmp_path, ids))) == 2


@pytest.mark.parametrize("what", ["dies", "exits"])
def test_a_run_that_ends_its_process_takes_no_other_one_along(known, program, tmp_path, what):  # noqa: F811
    ids = queued(program, tmp_path, "", what, "", "")
    with kept():
        runs = all_ended(ids)
    states = [runs[id].state_type for id in ids]
    assert states == [StateType.COMPLETED, StateType.CRASHED, StateType.COMPLETED, StateType.COMPLETED]
    first, second, third, fourth = pids(tmp_path, ids)
    assert first == second != third == fourth
    assert [runs[id].run_count for id in (ids[0], *ids[2:])] == [1] * 3


def test_a_run_that_is_killed_by_force_takes_no_other_one_along(known, program, tmp_path):  # noqa: F811
    ids = queued(program, tmp_path, "", "sleeps", "", "")
    with kept(limit=2):
        until((tmp_path / "begun").exists, "its beginning")
        cancel_flow_run(ids[1], grace=0.1, force=True)
        runs = all_ended(ids)
    assert [runs[id].state_type for id in ids].count(StateType.COMPLETED) == 3
    assert runs[ids[1]].state_type is StateType.CANCELLED


def test_runs_behind_one_that_takes_long_are_given_back_to_the_queue(known, program, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(Ahead, "room", 16)
    given_back, give_back = list[str](), SqlDeployments.give_back
    monkeypatch.setattr(
        SqlDeployments, "give_back", lambda of, ids, me: given_back.extend(ids) or give_back(of, ids, me)
    )
    ids = queued(program, tmp_path, "sleeps", "", "")
    with kept():
        until((tmp_path / "begun").exists, "its beginning")
        until(lambda: set(ids[1:]) <= set(given_back), "that they are given back")
        waiting = known.deployments.queued(QueueFilter(phases=("waiting",)))
        assert {(place.flow_run_id, place.starts) for place in waiting} == {(id, 0) for id in ids[1:]}
        os.kill(pids(tmp_path, ids[:1])[0], signal.SIGKILL)
        runs = all_ended(ids)
    assert [runs[id].state_type for id in ids] == [StateType.CRASHED, StateType.COMPLETED, StateType.COMPLETED]


def test_what_is_claimed_ahead_is_what_begins_soon(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("perdure._worker.claimed_ahead.time.monotonic", lambda: now[0])
    ahead = Ahead(4)
    assert ahead.room == 0
    ahead.note(0.125)
    assert ahead.room == 8
    ahead.note(60.0)
    assert ahead.room == 0
    ahead.put([])
    now[0] = 10.0
    assert not ahead.is_late()
    assert Ahead(None).room == 0


def test_a_run_that_was_handed_to_a_process_that_ends_is_begun_by_another_once(known, program, tmp_path):  # noqa: F811
    (first,) = queued(program, tmp_path, "")
    with kept():
        all_ended([first])
        (pid,) = pids(tmp_path, [first])
        os.kill(pid, signal.SIGSTOP)
        (second,) = queued(program, tmp_path, "")
        until(lambda: known.deployments.queued(QueueFilter(phases=("claimed",))), "that a worker has it")
        os.kill(pid, signal.SIGKILL)
        runs = all_ended([second])
    assert (runs[second].state_type, runs[second].run_count) == (StateType.COMPLETED, 1)
    assert pids(tmp_path, [second]) != [pid]


def test_code_that_was_changed_is_seen_by_the_next_run(known, program, tmp_path):  # noqa: F811
    (first,) = queued(program, tmp_path, "")
    with kept():
        all_ended([first])
        os.utime(program, (1, 1))
        time.sleep(1.0)  # it is looked at once a second
        (second,) = queued(program, tmp_path, "")
        all_ended([second])
    assert pids(tmp_path, [first]) != pids(tmp_path, [second])


def test_processes_that_wait_end_with_their_worker(known, program, tmp_path):  # noqa: F811
    (first,) = queued(program, tmp_path, "")
    with kept():
        all_ended([first])
        (pid,) = pids(tmp_path, [first])
        assert Path(f"/proc/{pid}").exists()
    until(lambda: not Path(f"/proc/{pid}").exists(), "its end")
