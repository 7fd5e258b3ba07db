"""Runs whose processes are forked from one that has imported Perdure: they are as new processes are."""

import contextlib
import json
import os
import signal
import sys
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure import cancel_flow_run
from perdure._rooms.deployments.port import QueueFilter
from perdure._worker.fork_server import STALE, UNSAFE, ForkedProcess, Preloaded, WarmStart
from perdure._worker.infrastructure import UNKNOWN_CODE, Job
from perdure._worker.process import ProcessInfrastructure, RunningProcess
from perdure.deployments import run_deployment
from perdure.states import StateType
from tests.deployments import deployed
from tests.deployments.test_workers import ended, known, state_of, working  # noqa: F401 - known is a fixture

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")]
_PATIENCE = 60.0
_SEES = """
import hashlib, json, os, random, signal, sys, tempfile, threading, time
from perdure import flow

@flow
def sees(marked: bool = False):
    seen = {
        "directory": os.getcwd(), "path": [each for each in sys.path[:2]], "arguments": sys.argv,
        "environment": hashlib.sha256(json.dumps(
            sorted(each for each in os.environ.items() if each[0] != "PERDURE_HOME")
        ).encode()).hexdigest(),  # a line of all of it would be cut
        "given": os.environ.get("MARK"),
        "handlers": {
            name: str(signal.getsignal(getattr(signal, name))).partition(" at ")[0]
            for name in ("SIGTERM", "SIGCHLD", "SIGPIPE")
        },
        "blocked": [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, ())], "zone": time.strftime("%Z"),
        "files": sorted(int(each) for each in os.listdir("/proc/self/fd") if int(each) < 3),
        "leads": os.getsid(0) == os.getpid() == os.getpgid(0), "temporary": tempfile.gettempdir(),
        "streams": [(each.encoding, each.errors, each.line_buffering, each.isatty(), each.fileno())
                    for each in (sys.stdin, sys.stdout, sys.stderr)],
        "main": [sys.modules["__main__"].__name__, sys.modules["__main__"].__file__,
                 sys.modules["__main__"].__spec__.name],
        "program": __name__, "safe": sys.flags.safe_path, "random": None, "mark": getattr(sys, "mark", None),
    }
    if marked:
        sys.mark = os.environ["MARK"] = "left behind"
        seen["random"] = [random.random(), os.getpid()]
        random.seed(1)
    for name, value in seen.items():
        print("SEEN", json.dumps([name, value]))
"""


@pytest.fixture(scope="module")
def preloaded() -> Iterator[Preloaded]:
    made = Preloaded()
    yield made
    made.close()


def until(condition: Callable[[], object], what: str):
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if (found := condition()) not in (None, False):
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {_PATIENCE:g} seconds: {what}")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **more}


def output_of(forked: ForkedProcess | bytes) -> tuple[str, int]:
    """What a process prints to its end, and its exit code."""
    assert isinstance(forked, ForkedProcess)
    with forked.stdout as stdout:
        text = stdout.read().decode()
    return text, until(lambda: (code := forked.poll()) is not None and (code,), "the exit code")[0]


def seen_in(text: str) -> dict[str, object]:
    return dict(json.loads(line[5:]) for line in text.splitlines() if line.startswith("SEEN "))


def test_a_forked_run_sees_what_that_of_a_new_process_sees(preloaded, tmp_path):
    file = tmp_path / "sees.py"
    file.write_text(_SEES)
    given = environment(MARK="given", TZ="Asia/Tokyo", TMPDIR=str(tmp_path))
    command = ("run", "sees.py:sees")
    forked = seen_in(output_of(preloaded.fork(command, given, str(tmp_path)))[0])
    job = Job("run", 1, (sys.executable, "-m", "perdure", *command), given, {"working_dir": str(tmp_path)})
    cold = ProcessInfrastructure(shows=False).start(job)
    until(lambda: cold.ended() is not None, "its end")
    assert len(forked) > 15
    assert forked == seen_in(cold.said())


def test_what_a_run_leaves_behind_is_not_seen_by_the_next_one(preloaded, tmp_path):
    (tmp_path / "sees.py").write_text(_SEES)
    command = ("run", "sees.py:sees", "--param", "marked=true")
    first, second = (seen_in(output_of(preloaded.fork(command, environment(), str(tmp_path)))[0]) for _ in range(2))
    assert first["random"] != second["random"]
    assert {**first, "random": None} == {**second, "random": None}
    assert second["mark"] is None


def test_a_module_that_was_changed_is_seen_by_the_next_run(preloaded, tmp_path):
    (tmp_path / "uses.py").write_text("import helper\nfrom perdure import flow\n@flow\ndef f(): print(helper.VALUE)\n")
    said = []
    for value in ("first", "second"):
        (tmp_path / "helper.py").write_text(f"VALUE = {value + ' of all'!r}\n")
        said.append(output_of(preloaded.fork(("run", "uses.py"), environment(), str(tmp_path)))[0])
    assert ["first of all" in said[0], "second of all" in said[1]] == [True, True]


def test_one_that_nobody_closes_leaves_nothing_open():
    made = Preloaded()
    os.kill(made.pid, signal.SIGKILL)
    assert made.is_gone.wait(_PATIENCE)
    collected = weakref.ref(made)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        del made
        until(lambda: collected() is None, "the end of its thread")
    assert [str(each.message) for each in found] == []


def test_exit_codes_and_signals_are_known(preloaded, tmp_path):
    (tmp_path / "ends.py").write_text(
        "import os\nfrom perdure import flow\n@flow\ndef fails(): 1 / 0\n@flow\ndef dies(): os.kill(os.getpid(), 9)\n"
    )
    ends = ["ends.py:fails", "ends.py:dies", "ends.py:absent"]
    codes = [output_of(preloaded.fork(("run", each), environment(), str(tmp_path)))[1] for each in ends]
    assert codes == [1, -9, 2]


def test_a_command_that_cannot_be_done_says_why(preloaded, tmp_path):
    text, code = output_of(preloaded.fork(("flow-run", "start", "--quiet", "absent"), environment(), str(tmp_path)))
    assert code == 1
    assert "absent" in text


def job_of(program: Path, *arguments: str, **environment: str) -> Job:
    return Job("run", 1, (sys.executable, "-m", "perdure", "run", str(program), *arguments), environment, {})


def forked(infrastructure: ProcessInfrastructure, job: Job) -> RunningProcess:
    started = infrastructure.start(job)
    assert isinstance(started._process, ForkedProcess)
    return started


def test_the_end_of_a_run_is_seen_where_what_forked_it_was_killed_and_later_ones_are_forked_again(tmp_path):
    program, mark = tmp_path / "waits.py", tmp_path / "mark"
    program.write_text(
        "import pathlib, time\nfrom perdure import flow\n@flow\ndef waits(file: str):\n"
        "    print('begun', flush=True)\n    while not pathlib.Path(file).exists(): time.sleep(0.02)\n"
    )
    warm = WarmStart(at_once=True)
    with contextlib.closing(ProcessInfrastructure(shows=False, warm=warm)) as infrastructure:
        first = forked(infrastructure, job_of(program, "--param", f"file={mark}"))
        until(lambda: "begun" in first.said(), "its beginning")
        assert warm._parent is not None
        os.kill(warm._parent.pid, signal.SIGKILL)
        until(warm._parent.is_gone.is_set, "the end of what forked it")
        assert first.ended() is None
        mark.touch()
        until(lambda: first.ended() is not None, "its end")
        assert first.ended() == UNKNOWN_CODE
        second = forked(infrastructure, job_of(program, "--param", f"file={mark}"))
        assert until(lambda: (code := second.ended()) is not None and (code,), "its end") == (0,)


def test_one_that_comes_alone_is_not_forked_and_waits_for_nothing():
    warm = WarmStart()
    with contextlib.closing(warm):
        command = (sys.executable, "-m", "perdure", "version")
        assert warm.start(command, environment(), "/") is None
        assert warm._parent is None
        second = warm.start(command, environment(), "/")
        assert second is not None
        assert output_of(second)[1] == 0


@pytest.mark.parametrize("job", ["other environment", "other python", "switched off"])
def test_what_a_fork_would_not_be_like_is_begun_in_a_new_process(job, tmp_path):
    python = sys.executable if job != "other python" else str(tmp_path / "python")
    if job == "other python":
        Path(python).symlink_to(sys.executable)
    variables = {"PYTHONHASHSEED": "1"} if job == "other environment" else {}
    made_of = {"warm_start": False} if job == "switched off" else {}
    wanted = Job("run", 1, (python, "-m", "perdure", "version"), variables, made_of)
    with contextlib.closing(ProcessInfrastructure(shows=False, warm=WarmStart(at_once=True))) as infrastructure:
        started = infrastructure.start(wanted)
        assert not isinstance(started._process, ForkedProcess)
        started.stop(force=True)
        until(lambda: started.ended() is not None, "its end")


def test_nothing_is_forked_from_what_has_threads_or_is_not_what_is_installed_any_more(tmp_path, monkeypatch):
    custom = tmp_path / "sitecustomize.py"
    custom.write_text(
        "import os, sys, threading, time\n"
        "if 'THREAD' in os.environ: threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    changed = Preloaded()

    def answer() -> bytes | None:
        found = changed.fork(("version",), environment(), "/")
        if isinstance(found, ForkedProcess):
            output_of(found)
            os.utime(custom, (1, 1))  # as a new version of it would
        return found if isinstance(found, bytes) else None

    assert until(answer, "that the change is seen") == STALE
    changed.close()
    monkeypatch.setenv("THREAD", "1")
    threaded = Preloaded()
    assert threaded.fork(("version",), environment(), "/") == UNSAFE
    threaded.close()


@pytest.fixture
def warm() -> Iterator[WarmStart]:
    made = WarmStart(at_once=True)
    yield made
    made.close()


def is_gone(orchestrator, run) -> bool:
    """Whether the process that a run began in is not there any more."""
    process = orchestrator.process(orchestrator.start(run.id).process_id)
    return not Path(f"/proc/{process.pid}").exists()


def test_a_forked_run_is_cancelled_while_it_runs(known, warm):  # noqa: F811
    deployed.slow.deploy("one", parameters={"seconds": 60})
    run = run_deployment("one", timeout=0)
    with working(infrastructure=ProcessInfrastructure(warm=warm)):
        until(lambda: state_of(known, run)[0] is StateType.RUNNING, "its beginning")
        cancel_flow_run(run.id)
        assert ended(known, run).state_type is StateType.CANCELLED
        until(lambda: is_gone(known, run), "its end")


def test_a_run_that_is_cancelled_while_it_is_being_started_never_begins(known, warm, tmp_path):  # noqa: F811
    deployed.counted.deploy("one", parameters={"folder": str(tmp_path)})
    infrastructure = ProcessInfrastructure(warm=warm)
    command = (sys.executable, "-m", "perdure", "version")
    first = forked(infrastructure, Job("first", 1, command, {}, {}))
    until(lambda: first.ended() is not None, "its end")
    assert warm._parent is not None
    os.kill(warm._parent.pid, signal.SIGSTOP)
    run = run_deployment("one", timeout=0)
    with working(infrastructure=infrastructure):
        until(lambda: known.deployments.queued(QueueFilter(phases=("claimed",))), "that a worker has it")
        cancel_flow_run(run.id)
        assert state_of(known, run)[0] is StateType.CANCELLED
        os.kill(warm._parent.pid, signal.SIGCONT)
        until(lambda: known.deployments.queued(QueueFilter(phases=("ended",))), "the end of its place")
    assert not list(tmp_path.glob(f"{run.id}-*"))


def test_a_forked_run_that_is_killed_is_crashed_and_one_that_resumes_is_resumed(known, warm, tmp_path):  # noqa: F811
    deployed.dies_once.deploy("resumes", parameters={"folder": str(tmp_path)})
    deployed.slow.deploy("one", parameters={"seconds": 60})
    resumes, killed = run_deployment("resumes", timeout=0), run_deployment("slow/one", timeout=0)
    with working(infrastructure=ProcessInfrastructure(warm=warm)):
        until(lambda: state_of(known, killed)[0] is StateType.RUNNING, "its beginning")
        os.kill(known.process(known.start(killed.id).process_id).pid, signal.SIGKILL)
        assert ended(known, killed).state_type is StateType.CRASHED
        until(lambda: state_of(known, resumes)[0] is StateType.COMPLETED, "that it is resumed")


def test_a_run_whose_end_nobody_knows_is_crashed_if_it_did_not_report_it(known, warm):  # noqa: F811
    deployed.slow.deploy("one", parameters={"seconds": 60})
    run = run_deployment("one", timeout=0)
    with working(infrastructure=ProcessInfrastructure(warm=warm)):
        until(lambda: state_of(known, run)[0] is StateType.RUNNING, "its beginning")
        assert warm._parent is not None
        os.kill(warm._parent.pid, signal.SIGKILL)
        os.kill(known.process(known.start(run.id).process_id).pid, signal.SIGKILL)
        assert ended(known, run).state_type is StateType.CRASHED
