"""What every kind of infrastructure must do: subclass `InfrastructureConformance` and give it its fixtures."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import pytest

from perdure._model.errors import WorkerError
from perdure._platform.ids import new_id
from perdure._worker.infrastructure import Infrastructure, Job, Started

__all__ = ["InfrastructureConformance"]

_ODD = "a'b\"c $HOME `id` \\ ü\n  second line*"
_PATIENCE = 90.0  # seconds; no test waits that long unless something is wrong

T = TypeVar("T")


def _until(condition: Callable[[], T | None], what: str) -> T:
    """What a condition gives, once it holds."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found = condition()
        if found not in (None, False):
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {_PATIENCE:g} seconds: {what}")


class InfrastructureConformance:
    """The behaviour of an `Infrastructure`, one test each. Programs are written in Python, for `python`."""

    python = sys.executable  # where what is started runs
    made_of: Mapping[str, Any] = {}

    @pytest.fixture
    def infrastructure(self) -> Infrastructure:
        """The infrastructure under test; subclasses override this."""
        raise NotImplementedError

    @pytest.fixture
    def another(self, infrastructure: Infrastructure) -> Infrastructure:
        """The same one as another worker sees it; subclasses may override this."""
        return infrastructure

    @pytest.fixture
    def start(self, infrastructure: Infrastructure) -> Iterator[Callable[..., Started]]:
        """Starts a program, and sees to it that it is gone after the test."""
        all_of_them: list[Started] = []

        def start(program: str, *arguments: str, **options: Any) -> Started:
            started = infrastructure.start(self.job(program, *arguments, **options))
            all_of_them.append(started)
            return started

        yield start
        for each in all_of_them:
            each.stop(force=True)
        for each in all_of_them:
            self.code_of(each)
            each.forget()

    def job(
        self,
        program: str,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        run: str | None = None,
        start: int = 1,
        **made_of: object,
    ) -> Job:
        """A job that runs a program in Python."""
        command = (self.python, "-u", "-c", program, *arguments)
        return Job(run or new_id(), start, command, environment or {}, {**self.made_of, **made_of})

    def code_of(self, started: Started) -> int:
        """The exit code, once it has ended."""
        _until(lambda: started.ended() is not None, f"its end; it says {started.status()!r} and {started.said()!r}")
        code = started.ended()
        assert code is not None
        return code

    def said_in(self, started: Started, text: str) -> None:
        """Wait until it has printed something."""
        _until(lambda: text in started.said() or started.ended() is not None, f"{text!r}")
        assert text in started.said()

    def test_exit_codes_and_what_was_printed_are_reported(self, start: Callable[..., Started]) -> None:
        fine = start("import sys; print('all is well'); print('on the other stream', file=sys.stderr)")
        wrong = start("print('a last word'); raise SystemExit(3)")
        assert (self.code_of(fine), self.code_of(wrong)) == (0, 3)
        assert "all is well" in fine.said()
        assert "on the other stream" in fine.said()
        assert "a last word" in wrong.said()

    def test_arguments_and_variables_of_the_environment_come_as_they_are(self, start: Callable[..., Started]) -> None:
        program = "import os, sys; print(ascii([sys.argv[1:], os.environ['ODD'], os.environ.get('GONE')]))"
        started = start(program, _ODD, "", environment={"ODD": _ODD, "GONE": None})
        assert self.code_of(started) == 0
        assert ascii([[_ODD, ""], _ODD, None]) in started.said()

    def test_the_end_by_a_signal_is_reported_as_one(self, start: Callable[..., Started]) -> None:
        assert self.code_of(start("import os; os.kill(os.getpid(), 9)")) == -9

    def test_who_is_asked_to_end_can_do_so_by_itself(self, start: Callable[..., Started]) -> None:
        started = start(
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit('it was asked to end'))\n"
            "print('it is there'); time.sleep(300)"
        )
        self.said_in(started, "it is there")
        started.stop(force=False)
        self.code_of(started)
        assert "it was asked to end" in started.said()

    def test_who_does_not_end_is_ended_by_force(self, start: Callable[..., Started]) -> None:
        started = start(
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('it is there'); time.sleep(300)"
        )
        self.said_in(started, "it is there")
        started.stop(force=True)
        assert self.code_of(started) not in (0, 1, 2)

    def test_what_cannot_be_started_says_why(self, infrastructure: Infrastructure) -> None:
        job = self.job("")._replace(command=("/no/such/program", "-x"))
        try:
            started = infrastructure.start(job)
        except WorkerError as error:
            assert "/no/such/program" in str(error)  # noqa: PT017 - it may be raised, or reported later
            return
        assert self.code_of(started) != 0
        text = f"{started.status()} {started.said()}".lower()
        assert "/no/such/program" in text or "no such file" in text
        started.forget()

    def test_of_what_is_printed_the_end_is_kept(self, start: Callable[..., Started]) -> None:
        started = start("for n in range(5000): print('line', n, 'x' * 100)\nprint('the last one')")
        assert self.code_of(started) == 0
        assert "the last one" in started.said()
        assert len(started.said()) < 200_000

    def test_what_was_started_is_found_by_its_run_until_it_is_forgotten(
        self, start: Callable[..., Started], another: Infrastructure
    ) -> None:
        if not another.outlives:
            assert another.find(new_id()) is None
            return
        run = new_id()
        started = start("import time; print('it is there', flush=True); time.sleep(300)", run=run)
        self.said_in(started, "it is there")
        found = _until(lambda: another.find(run), "that it is found")
        assert found.ended() is None
        assert another.find(new_id()) is None
        found.stop(force=True)
        codes = self.code_of(started), self.code_of(found)
        assert codes[0] == codes[1] != 0, codes
        found.forget()
        _until(lambda: another.find(run) is None, "that it is forgotten")

    def test_the_same_start_of_a_run_is_started_once(
        self, start: Callable[..., Started], another: Infrastructure
    ) -> None:
        if not another.outlives:
            return
        run = new_id()
        program = "import time; print('it is there', flush=True); time.sleep(300)"
        first = start(program, run=run)
        self.said_in(first, "it is there")
        second = another.start(self.job(program, run=run))
        first.stop(force=True)
        assert self.code_of(second) == self.code_of(first) != 0
