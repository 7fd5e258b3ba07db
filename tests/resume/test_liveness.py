"""Which processes still run: what the system knows, and what only heartbeats tell."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure._engine.recovery.heartbeat import Heartbeat
from perdure._engine.recovery.process_liveness import Liveness
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._run.process_identity import is_here, is_running, this_process
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.records import ProcessRecord, Record

DAY = 86_400_000_000  # microseconds
root = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run(["unshare", "-Upfr", "true"], capture_output=True, check=False).returncode != 0,
    reason="only root may make namespaces of processes, and not where the root directory is another one",
)
SAYS = "from perdure._run.process_identity import this_process; print(*this_process())"


class Passing:
    """Time as it passes for an observer."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def known(tmp_path: Path) -> Iterator[EmbeddedOrchestrator]:
    orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
    yield orchestrator
    orchestrator.close()


def elsewhere(beat: int) -> ProcessRecord:
    return this_process()._replace(id=new_id(), host="other/another boot/pid:[1]", beat=beat)


@pytest.mark.parametrize("skew", [-DAY, -45_000_000, 0, 45_000_000, DAY])
def test_a_process_whose_heartbeat_moves_is_alive_whatever_the_clocks_say(known: EmbeddedOrchestrator, skew: int):
    time, process = Passing(), elsewhere(system_clock() + skew)
    liveness = Liveness(known, 30.0, time)
    for _ in range(10):
        process = process._replace(beat=process.beat + 5_000_000)
        known.commit([process])
        assert liveness.is_alive(process.id)
        time.seconds += 29.0
        assert liveness.is_alive(process.id)


@pytest.mark.parametrize("skew", [-DAY, -45_000_000, 0, 45_000_000, DAY])
def test_a_process_whose_heartbeat_stands_still_for_a_lease_is_gone(known: EmbeddedOrchestrator, skew: int):
    time, process = Passing(), elsewhere(system_clock() + skew)
    liveness = Liveness(known, 30.0, time)
    known.commit([process])
    assert liveness.is_alive(process.id)  # nobody has observed it yet
    time.seconds += 29.9
    assert liveness.is_alive(process.id)
    time.seconds += 0.2
    assert not liveness.is_alive(process.id)
    known.commit([process._replace(beat=process.beat - 1)])  # a clock that was set back, but a heartbeat
    assert liveness.is_alive(process.id)


def test_waiting_for_what_is_known_takes_a_lease_at_most(known: EmbeddedOrchestrator):
    process = elsewhere(system_clock())
    known.commit([process])
    assert Liveness(known, 0.2).is_gone(process.id)
    assert Liveness(known, 0.2).is_gone(new_id())  # of which nobody has heard


def test_the_system_knows_of_the_processes_of_this_machine():
    ours = this_process()
    assert is_running(ours) is True
    assert is_running(ours._replace(began="long ago")) is False
    assert is_running(ours._replace(pid=2**22 + 1)) is False


@pytest.mark.parametrize("change", ["name", "boot", "namespace", "earlier"])
def test_of_another_place_the_system_knows_only_if_numbers_mean_the_same_there(change: str):
    ours = this_process()
    name, boot, namespace = ours.host.split("/")
    hosts = {
        "name": f"renamed/{boot}/{namespace}",
        "boot": f"{name}/another/{namespace}",
        "namespace": f"{name}/{boot}/pid:[1]time:[1]",
        "earlier": f"{name}/{boot}",  # as earlier versions wrote it
    }
    process = ours._replace(host=hosts[change])
    assert is_running(process) is (True if change == "name" else None)
    assert is_here(process) is (change == "name")


@root
@pytest.mark.parametrize("proc", [["--mount-proc"], []], ids=["its own /proc", "the /proc of outside"])
def test_of_a_process_in_another_namespace_the_system_knows_nothing(proc: list[str]):
    command = ["unshare", "-Upfr", *proc, sys.executable, "-c", SAYS]
    _, host, pid, began, *_ = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    there = this_process()._replace(host=host, pid=int(pid), began=began)
    assert is_running(there) is None
    assert not is_here(there)


@pytest.mark.slow
def test_a_heartbeat_that_fails_is_followed_by_others(caplog: pytest.LogCaptureFixture) -> None:
    reported = threading.Event()
    answers = iter([None, RuntimeError("for once")])  # the first is to who begins

    def report(_: object) -> None:
        for failure in answers:
            if failure is not None:
                raise failure
            return
        reported.set()

    heartbeat = Heartbeat(report, lambda _: None, lease_seconds=0.06)
    heartbeat.begin()
    assert reported.wait(10)
    heartbeat.end()
    assert "is tried again" in caplog.text


def test_a_process_is_reported_before_another_of_its_threads_may_begin_a_run_without_saying_so():
    reported: list[Record] = []
    heartbeat = Heartbeat(reported.extend, lambda _: None, lease_seconds=600)
    first = heartbeat.begin()
    assert list(first) == reported == [heartbeat.process]
    assert heartbeat.begin() == ()
    heartbeat.end()
