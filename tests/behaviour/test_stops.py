"""Runs that are stopped from outside: Ctrl-C, SIGTERM, SystemExit, kills. They end Crashed, never Running."""

import re
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, task
from perdure.errors import CrashedRun
from tests.prepared import run

SLEEPS = """
import sys, time
from pathlib import Path
from perdure import flow, task

@task
def sleeps():
    Path("ready").touch()
    time.sleep(20)

@task
def nothing():
    pass

"""


def test_system_exit_in_a_task_crashes_it_and_the_flow_and_is_raised(known: Any) -> None:
    @task
    def exits() -> None:
        raise SystemExit(3)

    @flow
    def calls() -> None:
        exits()

    with pytest.raises(SystemExit) as raised:
        calls()
    assert raised.value.code == 3
    assert known.task_run("exits").state_name == "Crashed"
    assert known.flow_run("calls").state_name == "Crashed"


def test_system_exit_in_a_task_can_be_looked_at_as_its_state() -> None:
    @task
    def exits() -> None:
        raise SystemExit(3)

    @flow
    def calls() -> Any:
        state = exits(return_state=True)
        return state.is_crashed(), type(state.result(raise_on_failure=False))

    assert calls() == (True, SystemExit)


def test_system_exit_in_a_submitted_task_reaches_who_asks_for_its_result() -> None:
    @task
    def exits() -> None:
        raise SystemExit(3)

    @flow
    def calls() -> Any:
        with pytest.raises(SystemExit):
            exits.submit().result()
        return "went on"

    assert calls() == "went on"


def test_a_base_exception_in_a_flow_is_raised_in_spite_of_return_state(known: Any) -> None:
    class Stop(BaseException):
        pass

    @flow
    def stops() -> None:
        raise Stop

    with pytest.raises(Stop):
        stops(return_state=True)
    assert known.flow_run("stops").state_name == "Crashed"


def test_a_keyboard_interrupt_in_a_task_is_raised_again_when_the_flow_ends(known: Any) -> None:
    @task
    def interrupted() -> None:
        raise KeyboardInterrupt

    @flow
    def swallows() -> int:
        with suppress(KeyboardInterrupt):
            interrupted()
        interrupted(return_state=True)
        return 1

    with pytest.raises(KeyboardInterrupt):
        swallows(return_state=True)
    assert known.flow_run("swallows").state_name == "Crashed"


def test_a_keyboard_interrupt_in_a_subflows_task_ends_the_root_flow(known: Any) -> None:
    @task
    def interrupted() -> None:
        raise KeyboardInterrupt

    @flow
    def child() -> int:
        interrupted(return_state=True)
        return 1

    @flow
    def root() -> int:
        child(return_state=True)
        return 2

    with pytest.raises(KeyboardInterrupt):
        root()
    assert known.flow_run("root").state_name == "Crashed"


def test_what_a_crashed_flow_submitted_and_had_not_begun_is_cancelled(known: Any) -> None:
    import threading

    from perdure.futures import wait
    from perdure.task_runners import ThreadTaskRunner

    go = threading.Event()

    @task
    def waits() -> None:
        go.wait(60)

    @flow(task_runner=ThreadTaskRunner(1))
    def stops() -> None:
        waits.submit()
        rest = [waits.submit() for _ in range(3)]
        threading.Thread(target=lambda: wait(rest, 60) and go.set()).start()  # once these have ended
        raise SystemExit

    with pytest.raises(SystemExit):
        stops()
    names = sorted(str(run.state_name) for run in known.task_runs("waits"))
    assert names[:3] == ["Cancelled"] * 3
    assert "Running" not in names
    assert "Pending" not in names


def test_what_was_mapped_by_a_crashed_flow_is_not_submitted_any_more() -> None:
    import threading

    go = threading.Event()
    made = []

    @task
    def waits(x: int) -> int:
        go.wait(60)
        return x

    @flow
    def stops() -> None:
        waits.map(made.append(i) or i for i in range(100_000))  # type: ignore[func-returns-value]
        threading.Timer(0.02, go.set).start()
        raise SystemExit

    with pytest.raises(SystemExit):
        stops()
    assert len(made) < 2_000


def test_a_crashed_upstream_leaves_a_task_not_ready() -> None:
    @task
    def exits() -> None:
        raise SystemExit

    @task
    def after(x: Any) -> Any:
        return x

    @flow
    def calls() -> Any:
        return after(exits(return_state=True), return_state=True).name

    assert calls() == "NotReady"


def test_the_state_of_a_crashed_run_raises_its_reason() -> None:
    from perdure.states import Crashed

    with pytest.raises(CrashedRun, match="lost"):
        Crashed("lost").result()


@pytest.mark.slow
def test_ctrl_c_in_a_task_crashes_task_and_flow(start: Any, known: Any) -> None:
    program = start(SLEEPS + "@flow\ndef f():\n    sleeps()\nf()\n")
    program.wait_until_ready()
    program.signal(signal.SIGINT)
    code, _, err = program.end()

    assert code != 0
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert known.task_run("sleeps").state_name == "Crashed"
    assert known.flow_run("f").state_name == "Crashed"


@pytest.mark.slow
def test_ctrl_c_that_the_flow_swallows_ends_it_all_the_same(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
@flow
def f():
    try:
        Path("ready").touch()
        time.sleep(20)
    except KeyboardInterrupt:
        print("swallowed", flush=True)
    return 1
f()
"""
    )
    program.wait_until_ready()
    program.signal(signal.SIGINT)
    code, out, _ = program.end()

    assert code != 0
    assert out == "swallowed\n"
    assert known.flow_run("f").state_name == "Crashed"


@pytest.mark.slow
def test_ctrl_c_while_waiting_for_a_submitted_task_ends_the_flow(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
@task
def short():
    Path("ready").touch()
    time.sleep(1)

@flow
def f():
    short.submit().result()
f()
"""
    )
    program.wait_until_ready()
    program.signal(signal.SIGINT)
    code, _, _ = program.end()

    assert code != 0
    assert known.flow_run("f").state_name == "Crashed"
    assert known.task_run("short").state_name in ("Completed", "Crashed")


@pytest.mark.slow
def test_ctrl_c_in_an_async_flow_ends_it_and_its_tasks(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
import asyncio

@task
async def asleeps():
    Path("ready").touch()
    await asyncio.sleep(20)

@flow
async def f():
    asleeps.submit()
    await asleeps()
asyncio.run(f())
"""
    )
    program.wait_until_ready()
    program.signal(signal.SIGINT)
    code, _, err = program.end()

    assert code != 0
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert known.flow_run("f").state_name in ("Crashed", "Cancelled")
    assert {run.state_name for run in known.task_runs("asleeps")} <= {"Crashed", "Cancelled"}


@pytest.mark.slow
def test_sigterm_crashes_the_flow_and_then_ends_the_process(start: Any, known: Any) -> None:
    program = start(SLEEPS + "@flow\ndef f():\n    sleeps()\nf()\n")
    program.wait_until_ready()
    program.signal(signal.SIGTERM)
    code, _, _ = program.end()

    assert code == -signal.SIGTERM
    assert known.task_run("sleeps").state_name == "Crashed"
    assert known.flow_run("f").state_name == "Crashed"


@pytest.mark.slow
def test_sigterm_crashes_an_async_flow(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
import asyncio

@flow
async def f():
    Path("ready").touch()
    await asyncio.sleep(20)
asyncio.run(f())
"""
    )
    program.wait_until_ready()
    program.signal(signal.SIGTERM)
    code, _, _ = program.end()

    assert code != 0
    assert known.flow_run("f").state_name in ("Crashed", "Cancelled")


@pytest.mark.slow
def test_handlers_are_back_after_a_flow(start: Any) -> None:
    program = start(
        SLEEPS
        + """
import signal
import time
from contextlib import suppress
@flow
def f():
    nothing()
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
f()
print(before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)))
"""
    )
    assert program.end()[:2] == (0, "True\n")


@pytest.mark.slow
def test_what_was_persisted_before_a_kill_is_there_after_it(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
@task(persist_result=True)
def kept():
    return [1, 2, 3]

@flow
def f():
    kept()
    Path("ready").touch()
    time.sleep(20)
f()
"""
    )
    program.wait_until_ready()
    program.signal(signal.SIGKILL)
    code, _, _ = program.end()

    assert code == -signal.SIGKILL
    run = known.task_run("kept")
    assert run.state_name == "Completed"
    from perdure._results.store import result_from_record

    assert result_from_record(known.result(run.id)).get() == [1, 2, 3]


@pytest.mark.slow
def test_an_exception_in_the_main_script_leaves_everything_committed(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
@flow
def f():
    for _ in range(100):
        nothing()
    raise ValueError("x")
f()
"""
    )
    code, _, err = program.end()

    assert code == 1
    assert "ValueError: x" in err
    assert len(known.task_runs("nothing")) == 100
    assert known.flow_run("f").state_name == "Failed"


@pytest.mark.slow
def test_a_task_outside_flows_that_is_interrupted_is_crashed(start: Any, known: Any) -> None:
    program = start(SLEEPS + "sleeps(return_state=True)\n")
    program.wait_until_ready()
    program.signal(signal.SIGINT)
    code, _, _ = program.end()

    assert code != 0
    assert known.task_run("sleeps").state_name == "Crashed"


@pytest.mark.slow
def test_ctrl_c_ends_the_processes_of_a_process_runner(start: Any, known: Any) -> None:
    program = start(
        SLEEPS
        + """
from perdure.task_runners import ProcessTaskRunner

@flow(task_runner=ProcessTaskRunner(1))
def f():
    future = sleeps.submit()
    sleeps.submit()
    future.result()
f()
"""
    )
    program.wait_until_ready()
    program.signal(signal.SIGINT)
    code, _, _ = program.end()

    assert code != 0
    assert known.flow_run("f").state_name == "Crashed"
    assert sorted(str(run.state_name) for run in known.task_runs("sleeps")) == ["Cancelled", "Crashed"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_leaves_no_run_running(start: Any, known: Any, number: signal.Signals) -> None:
    code = """
@task(persist_result=True)
def kept(x):
    return [x]

@flow
def child():
    nothing()
    return nothing.submit().result()

@flow
def f():
    Path("ready").touch()
    while True:
        kept(nothing.submit())
        child()
        kept.map(range(3)).result()
f()
"""
    for moment in range(4):
        program = start(SLEEPS + code)
        program.wait_until_ready()
        time.sleep(0.017 * moment)
        program.signal(number)
        assert program.end()[0] != 0

    names = {run.state_name for run in (*known.flow_runs(), *known.task_runs())}
    assert names <= {"Completed", "Crashed", "Cancelled", "NotReady"}


@pytest.mark.slow
@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGINT, signal.SIGINT]])
def test_a_flow_that_is_stopped_does_not_wait_for_tasks_that_never_end(start: Any, known: Any, signals: Any) -> None:
    program = start(
        SLEEPS
        + """
import threading
from perdure._engine.lifecycle import flow_run

@task
def hangs():
    Path("ready").touch()
    threading.Event().wait()

@flow
def f():
    hangs.submit().result()
flow_run._GRACE_SECONDS = 0.5
f()
"""
    )
    program.wait_until_ready()
    for number in signals:
        program.signal(number)
        time.sleep(0.1)
    code, _, err = program.end()

    assert code != 0
    assert "had not ended when its flow run was stopped" in err
    assert known.task_run("hangs").state_name == "Crashed"
    assert known.flow_run("f").state_name == "Crashed"


INTERRUPTED = """
import signal, sys, time
from perdure import flow, session, task
from perdure.records import RunFilter

@task
def nothing(): pass

@task(persist_result=True)
def kept(x): return [x]

@task
def items(): yield from (1, 2)

@task
async def awaits(): pass

@task(retries=1)
def failing(): raise ValueError

@flow
def child():
    nothing()
    return nothing.submit().result()

@flow
def f():
    kept(nothing.submit())
    child()
    child.submit().result()
    kept.map(range(2)).result()
    list(items())
    awaits()
    failing(return_state=True)

def interrupt(frame, event, _):
    # Where Python itself looks whether a signal has come: as a function begins, and as one of C returns.
    global left
    if event in ("call", "c_return") and frame.f_globals["__name__"].startswith("perdure."):
        left -= 1
        if left == 0:
            sys.setprofile(None)
            signal.raise_signal(signal.SIGINT)

known = session.current().orchestrator
ended = {"Completed", "Crashed", "Cancelled", "NotReady", "Failed"}
f(return_state=True)
place, left, seen = int(sys.argv[1]), 0, set()
while left <= 0:
    left = place
    sys.setprofile(interrupt)
    try:
        f(return_state=True)
    except KeyboardInterrupt:
        pass
    sys.setprofile(None)
    deadline = time.monotonic() + 20
    while True:  # what was submitted ends in other threads
        runs = [*known.flow_runs(RunFilter(limit=8)), *known.task_runs(RunFilter(limit=20))]
        still = [run for run in runs if run.state_name not in ended and run.id not in seen]
        if not still or time.monotonic() > deadline:
            break
        time.sleep(0.001)
    seen.update(run.id for run in still)
    if still:
        print(place, [(run.name, run.state_name) for run in still])
    place += int(sys.argv[2])
print("places were tried up to", place)
"""


@pytest.mark.slow
def test_ctrl_c_wherever_python_looks_for_it_leaves_no_run_running(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    done = run(tmp_path / "interrupted.py", "2", "5", timeout=240)
    assert re.fullmatch(r"places were tried up to \d{4}\n", done.stdout), done.stdout + done.stderr
