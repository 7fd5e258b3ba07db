"""Transactions that a crash cuts short: what was staged is rolled back, what was committed stays."""

import itertools
import os
import signal
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from perdure import Transaction, flow, session, settings, task, transaction
from perdure._engine.coordination.staging import hooked_tasks
from perdure.errors import TransactionError
from perdure.records import RunFilter
from perdure.results import get_result
from perdure.testing.crashes import crash_points, killed, root_run
from perdure.testing.home import fresh_home
from perdure.testing.invariants import violations
from tests import prepared

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def world() -> Path:
    """A directory that tasks change, and hooks change back."""
    made = Path(settings.current().home) / "world"
    made.mkdir(exist_ok=True)
    return made


def reported() -> list[str]:
    file = Path(settings.current().home) / "reported"
    return file.read_text().split() if file.exists() else []


def tell(what: str) -> None:
    with (Path(settings.current().home) / "reported").open("a") as file:
        file.write(f"{what} ")


@task
def make(name: str) -> list[str]:
    tell(f"make-{name}")
    (world() / name).touch()
    return [name]


@make.on_rollback
def unmake(txn: Transaction, state: Any) -> None:
    (name,) = state.result()
    tell(f"unmake-{name}")
    (world() / name).unlink(missing_ok=True)


@make.on_commit
def made(txn: Transaction, state: Any) -> None:
    tell(f"made-{state.result()[0]}-{txn.get('of')}")


@task
def refuse() -> None:
    raise ValueError("no")


@flow
def committing() -> str:
    make("before")
    with transaction() as txn:
        txn.set("of", "it")
        make("a")
        with transaction():
            make("b")
    return "done"


@flow
def undoing() -> str:
    try:
        with transaction() as txn:
            txn.set("of", "it")
            make("a")
            make.submit("b").wait()
            refuse()
    except ValueError:
        return "undone"
    return "not reached"


def staged() -> int:
    """How many steps are to be rolled back, or have hooks to come."""
    run, known = root_run(), session.current().orchestrator.transactions
    return sum(len(known.steps(each.id)) for each in known.unfinished(run.id)) if run else 0


def wrong_after(crash: Any, flow: Any, outcome: str, there: list[str]) -> list[str]:
    """What is not as it should be, once a crashed run of a flow has been resumed."""
    assert crash.resume() == outcome
    found = violations(session.current().orchestrator)
    if sorted(each.name for each in world().iterdir()) != there:
        found.append(f"{crash!r}: {list(world().iterdir())}")
    if staged():
        found.append(f"{crash!r}: {staged()} steps were left")
    for name in ("a", "b"):
        ends = [each for each in reported() if each.endswith((f"-{name}", f"-{name}-it"))]
        if flow is committing and f"made-{name}-it" not in ends:
            found.append(f"{crash!r}: no hook reported of the commit: {ends}")
        if flow is undoing and ends[-1] != f"unmake-{name}":
            found.append(f"{crash!r}: it was not undone: {ends}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("flushed", [False, True])
def test_a_crash_at_any_effect_commits_all_or_nothing(flushed: bool) -> None:
    for crash in crash_points(committing, flushed=flushed):
        assert wrong_after(crash, committing, "done", ["a", "b", "before"]) == []


@pytest.mark.slow
@pytest.mark.parametrize("flushed", [False, True])
def test_a_crash_at_any_effect_of_a_rollback_continues_with_it(flushed: bool) -> None:
    for crash in crash_points(undoing, flushed=flushed):
        assert wrong_after(crash, undoing, "undone", []) == []


@pytest.mark.slow
def test_a_second_crash_while_rolling_back_at_resume_continues_with_the_rest() -> None:
    for before in itertools.count(1):
        with fresh_home():
            killed(undoing, before=18, flushed=True)
            run = root_run()
            assert run is not None
            assert staged() == 3  # with the failure
            again = killed(partial(undoing.resume, run.id), before=before, flushed=True)
            if not again.killed:
                return
            run = root_run()
            assert run is not None
            if run.state_type != "COMPLETED":
                assert undoing.resume(run.id) == "undone"
            assert list(world().iterdir()) == []
            assert violations(session.current().orchestrator) == []


def test_hooks_that_are_not_found_stop_the_resume_and_stay_to_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    killed(undoing, before=18, flushed=True)
    run = root_run()
    assert run is not None
    assert staged() == 3
    with monkeypatch.context() as elsewhere:
        elsewhere.delitem(hooked_tasks, f"{make.task_key}:make")
        with pytest.raises(TransactionError, match="does not define it at the top level"):
            undoing.resume(run.id)
    assert reported() == ["make-a", "make-b"]

    assert undoing.resume(run.id, retry_failed=True) == "undone"
    assert reported()[4:] == ["make-a", "make-b", "unmake-b", "unmake-a"]


PROGRAM = """
import os, signal, sys
from pathlib import Path
from perdure import flow, task, transaction, get_transaction

def note(what):
    with open("reported", "a") as file:
        file.write(what + " ")

def die_once(where):
    if os.environ.get("DIE_AT") == where and not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)

@task
def make(name):
    note("make-" + name)
    get_transaction().set(name, {"path": name})
    die_once("task-" + name)
    return [name]

@make.on_rollback
def unmake(txn, state):
    name, = state.result()
    note("unmake-" + txn.get(name)["path"])
    die_once("rollback-" + name)

@make.on_commit
def made(txn, state):
    note("made-" + state.result()[0])
    die_once("commit-" + state.result()[0])

@flow
def work(bad=False):
    note("flow")
    try:
        with transaction(key=os.environ.get("KEY")):
            make("a")
            make("b")
            die_once("end")
            if bad:
                raise ValueError("bad")
    except ValueError:
        pass
    die_once("after")
    return 1

if __name__ == "__main__":
    work(bad="bad" in sys.argv)
"""


class Program:
    """A script whose flow can be killed, with the test's home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "working.py").write_text(textwrap.dedent(PROGRAM))

    def run(self, *command: str, **environment: str) -> int:
        return prepared.run(*command, cwd=self.folder, env={**os.environ, **environment}).returncode

    def reported(self) -> list[str]:
        return (self.folder / "reported").read_text().split()


@pytest.fixture
def program(tmp_path: Path, home: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("die_at", "bad", "first", "then"),
    [
        ("task-b", "", "flow make-a make-b", "unmake-a flow make-a make-b made-a made-b"),
        ("end", "", "flow make-a make-b", "unmake-b unmake-a flow make-a make-b made-a made-b"),
        ("commit-a", "", "flow make-a make-b made-a", "made-a made-b flow"),
        ("after", "", "flow make-a make-b made-a made-b", "flow"),
        (
            "rollback-b",
            "bad",
            "flow make-a make-b unmake-b",
            "unmake-b unmake-a flow make-a make-b unmake-b unmake-a",
        ),
        (
            "rollback-a",
            "bad",
            "flow make-a make-b unmake-b unmake-a",
            "unmake-a flow make-a make-b unmake-b unmake-a",
        ),
    ],
)
def test_a_process_killed_in_a_transaction_is_resumed(
    program: Program, die_at: str, bad: str, first: str, then: str
) -> None:
    assert program.run("working.py", bad, DIE_AT=die_at) == -signal.SIGKILL
    assert program.reported() == first.split()

    assert program.run("-m", "perdure", "flow-run", "resume", "--crashed", DIE_AT=die_at) == 0

    assert program.reported() == [*first.split(), *then.split()]
    runs = session.current().orchestrator.task_runs(RunFilter(states=()))
    assert violations(session.current().orchestrator) == []
    if not bad:
        assert get_result(runs[0].id) == ["b"]


@pytest.mark.slow
def test_another_process_that_wants_the_key_rolls_back_for_one_that_was_killed(program: Program) -> None:
    assert program.run("working.py", KEY="day", DIE_AT="end") == -signal.SIGKILL

    assert program.run("working.py", KEY="day") == 0
    reported = program.reported()
    assert " ".join(reported) == "flow make-a make-b flow unmake-b unmake-a make-a make-b made-a made-b"

    assert program.run("-m", "perdure", "flow-run", "resume", "--crashed", KEY="day") == 0
    assert program.run("working.py", KEY="day") == 0
    assert program.reported() == [*reported, "flow", "flow"]
