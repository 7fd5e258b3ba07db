"""Places that go away while a flow runs: its database, its home, its working directory, its storage, its disk."""

import shutil

import pytest

from perdure import flow, task
from perdure.errors import ResultError
from perdure.results import get_result
from tests.behaviour.conftest import Programs

pytestmark = pytest.mark.slow  # each has a process of its own

_BEGIN = """
import os, pathlib, resource, shutil, sys, time
from perdure import flow, session, settings, task

home = pathlib.Path(os.environ["PERDURE_HOME"])
"""

LOSSES: dict[str, str] = {
    "the database is deleted": "for file in home.glob('perdure.db*'): file.unlink()",
    "the database alone is deleted": "(home / 'perdure.db').unlink()",
    "the database is emptied": "os.truncate(home / 'perdure.db', 0)",
    "the database is replaced": "(home / 'other').touch(); (home / 'other').replace(home / 'perdure.db')",
    "the home is deleted": "shutil.rmtree(home)",
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_flow_whose_database_goes_away_says_so_and_fails(loss: str, start: Programs) -> None:
    program = start(f"""{_BEGIN}
@task
def t(n):
    return n

@flow
def f():
    t(1)
    session.current().orchestrator.flush()
    {LOSSES[loss]}
    return t(2)

f()
print("not reached")
""")

    status, out, err = program.end()

    assert status != 0
    assert out == ""
    assert "DatabaseCorrupt: The database" in err
    assert "while it was in use" in err


@pytest.mark.parametrize("runner", ["", "task_runner=ProcessTaskRunner(max_workers=1)"])
def test_a_flow_runs_in_a_working_directory_that_was_deleted(runner: str, start: Programs) -> None:
    program = start(f"""{_BEGIN}
from perdure.task_runners import ProcessTaskRunner
os.mkdir("gone")
os.chdir("gone")
os.rmdir(os.getcwd())

@task(persist_result=True)
def t(n):
    return [n]

@flow({runner})
def f():
    return t.submit(1).result()

print(f())
""")

    status, out, err = program.end()

    assert (status, out) == (0, "[1]\n"), err


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="root without its powers is had by setpriv only")
def test_a_storage_that_loses_its_permissions_raises_an_error_of_ours(start: Programs) -> None:
    program = start(f"""{_BEGIN}
import tempfile
if os.geteuid() == 0 and "--again" not in sys.argv:
    powers = "--bounding-set=-dac_override,-dac_read_search"
    os.execvp("setpriv", ["setpriv", powers, sys.executable, __file__, "--again"])
base = pathlib.Path(tempfile.mkdtemp())
from perdure.errors import PerdureError
from perdure.filesystems import LocalFileSystem
from perdure.results import get_result

@task(persist_result=True, result_storage=LocalFileSystem(basepath=base / "kept"))
def t(n):
    return [n] * 100_000

kept = t(1, return_state=True)
found = []
for mode in (0o000, 0o400, 0o500):
    for action in (
        lambda: t(2),
        lambda: get_result(kept.task_run_id),
        lambda: list(LocalFileSystem(basepath=base / "kept").list("")),
        lambda: LocalFileSystem(basepath=base / "kept").delete("a/b"),
        lambda: LocalFileSystem(basepath=base / "kept").exists("a"),
    ):
        (base / "kept").chmod(mode)
        try:
            action()
        except PerdureError as error:
            found.append(type(error).__name__)
        finally:
            (base / "kept").chmod(0o700)
print(len(found) > 4)
""")

    status, out, err = program.end()

    assert (status, out) == (0, "True\n"), err


def test_a_full_disk_under_the_database_fails_the_flow(start: Programs) -> None:
    program = start(f"""{_BEGIN}
import signal

@task
def t(n):
    return n

@flow
def f():
    t(0)
    session.current().orchestrator.flush()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = max(file.stat().st_size for file in home.glob("perdure.db*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1, resource.RLIM_INFINITY))
    for n in range(1_000):
        t(n)

f()
print("not reached")
""")

    status, out, err = program.end()

    assert status != 0
    assert out == ""
    assert "perdure.db failed" in err


def test_a_value_that_does_not_fit_into_memory_is_no_corrupt_result() -> None:
    @task(persist_result=True)
    def t() -> object:
        return _Large()

    state = t(return_state=True)
    assert state.task_run_id is not None

    with pytest.raises(MemoryError) as caught:
        get_result(state.task_run_id)

    assert not isinstance(caught.value, ResultError)


def _fail_for_memory() -> object:
    raise MemoryError("no room")


class _Large:
    def __reduce__(self) -> object:
        return _fail_for_memory, ()


def test_a_flow_that_needs_too_much_memory_fails_with_that_error() -> None:
    @flow
    def f() -> None:
        raise MemoryError("no room")

    with pytest.raises(MemoryError):
        f()
