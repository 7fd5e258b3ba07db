"""What the behaviour tests look at: the database of the running test, and whole programs run as processes."""

import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from perdure import session
from perdure.records import FlowRun, LogRecord, ResultFilter, ResultRecord, RunFilter, StateRecord, TaskRun
from tests.prepared import Prepared


class Known:
    """What the orchestrator knows, oldest first."""

    def flow_runs(self, of: str | None = None) -> Sequence[FlowRun]:
        return session.current().orchestrator.flow_runs(RunFilter(of=of))[::-1]

    def task_runs(self, of: str | None = None) -> Sequence[TaskRun]:
        return session.current().orchestrator.task_runs(RunFilter(of=of))[::-1]

    def flow_run(self, of: str) -> FlowRun:
        (run,) = self.flow_runs(of)
        return run

    def task_run(self, of: str) -> TaskRun:
        (run,) = self.task_runs(of)
        return run

    def states(self, run_id: str) -> Sequence[StateRecord]:
        return session.current().orchestrator.states(run_id)

    def state_names(self, run_id: str) -> list[str]:
        return [state.name for state in self.states(run_id)]

    def result(self, run_id: str) -> ResultRecord:
        (result,) = session.current().orchestrator.results(ResultFilter(run_ids=(run_id,)))
        return result

    def lines(self, flow_run_id: str | None = None, task_run_id: str | None = None) -> list[LogRecord]:
        return list(session.current().orchestrator.logs(flow_run_id, task_run_id))


@pytest.fixture
def known() -> Known:
    return Known()


class Program:
    """A script in a process of its own, with the test's home."""

    def __init__(self, directory: Path, code: str) -> None:
        self.ready = directory / "ready"
        file = directory / "program.py"
        file.write_text(textwrap.dedent(code), "utf-8")
        self.process = Prepared(
            file,
            cwd=directory,
            # All of a test are the same program, in folders of their own.
            env={**os.environ, "PERDURE_PROJECT": "programs"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait_until_ready(self) -> None:
        """Wait until the script has written the file `ready`."""
        end = time.monotonic() + 60
        while not self.ready.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """The exit code, and what the script printed to its output and error streams."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


class Programs:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Program] = []

    def __call__(self, code: str) -> Program:
        directory = self._directory / f"program-{len(self._started)}"
        directory.mkdir()
        self._started.append(Program(directory, code))
        return self._started[-1]

    def kill_all(self) -> None:
        for program in self._started:
            if program.process.poll() is None:
                program.process.kill()
            program.process.communicate()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Programs]:
    """Start scripts, each in a process of its own; those still running at the end of the test are killed."""
    programs = Programs(tmp_path)
    yield programs
    programs.kill_all()
