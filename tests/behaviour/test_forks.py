"""Children forked inside flows: they are ended as without Perdure, and take no part in what their parent runs."""

import pytest

from tests.behaviour.conftest import Known, Programs

pytestmark = pytest.mark.slow  # each has processes of its own

_BEGIN = """
import asyncio, concurrent.futures, contextlib, multiprocessing, os, signal, sys, threading, time
from perdure import flow, task
from perdure.task_runners import ProcessTaskRunner
fork = multiprocessing.get_context("fork")
NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGURG, signal.SIGALRM)

def handlers(_=None):
    return [str(signal.getsignal(number)) for number in NUMBERS]

def double(n):
    return 2 * n

def in_child(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work() or 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def run(start: Programs, code: str) -> tuple[str, str]:
    status, out, err = start(_BEGIN + code).end()
    assert status == 0, err
    return out, err


def test_a_forked_child_has_the_signal_handlers_that_it_would_have_without_a_flow(start: Programs) -> None:
    out, _ = run(
        start,
        """
before = handlers()

@task(timeout_seconds=20)
def pooled():
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fork) as pool:
        return pool.submit(handlers).result()

@flow(timeout_seconds=20)
def f():
    with fork.Pool(1) as pool:
        assert pool.apply(handlers) == before
    assert pooled() == before
    assert handlers() != before
    assert in_child(lambda: handlers() != before) == 0

f()
print(handlers() == before)
""",
    )

    assert out == "True\n"


def test_a_handler_of_the_users_own_stays_in_forked_children(start: Programs) -> None:
    out, _ = run(
        start,
        """
def mine(*_):
    os._exit(7)

@flow
def f():
    signal.signal(signal.SIGTERM, mine)
    return in_child(lambda: signal.raise_signal(signal.SIGTERM))

print(f(), signal.getsignal(signal.SIGTERM) is mine)
""",
    )

    assert out == "7 True\n"


def test_pools_of_forked_workers_end_in_a_flow_as_they_do_without(start: Programs) -> None:
    out, err = run(
        start,
        """
@task
def crunch():
    with fork.Pool(4) as pool:
        return sum(pool.map(double, range(10)))

@flow
def f():
    return [crunch() for _ in range(15)]

print(sum(f()))
""",
    )

    assert out == "1350\n"
    assert "Terminated" not in err


def test_a_child_that_is_terminated_at_once_ends_by_the_signal(start: Programs) -> None:
    out, err = run(
        start,
        """
@flow
def f():
    codes = set()
    for _ in range(20):
        child = fork.Process(target=time.sleep, args=(20,))
        child.start()
        child.terminate()
        child.join()
        codes.add(child.exitcode)
    return codes

print(f() == {-signal.SIGTERM})
""",
    )

    assert out == "True\n"
    assert "Terminated" not in err


@pytest.mark.parametrize(
    ("ending", "code"), [("sys.exit(3)", 3), ("raise KeyboardInterrupt", 130), ("return 'the child'", 0)]
)
def test_a_forked_child_that_leaves_the_flow_records_nothing_of_it(
    ending: str, code: int, start: Programs, known: Known
) -> None:
    out, _ = run(
        start,
        f"""
@task
def t():
    if (pid := os.fork()) == 0:
        {ending}
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

@flow
def f():
    return t()

parent = os.getpid()
try:
    value = f()
except KeyboardInterrupt:
    assert os.getpid() != parent
    sys.exit(130)
print("parent" if os.getpid() == parent else "child", value, flush=True)
""",
    )

    assert f"parent {code}\n" in out
    assert ("child the child" in out) is ("return" in ending)
    assert known.state_names(known.flow_run("f").id) == ["Pending", "Running", "Completed"]
    assert known.state_names(known.task_run("t").id) == ["Pending", "Running", "Completed"]


def test_a_generator_flow_that_is_gone_through_in_a_forked_child_is_its_parents(start: Programs, known: Known) -> None:
    out, _ = run(
        start,
        """
@flow
def counted():
    for n in range(4):
        yield n

numbers = counted()
next(numbers)
child = in_child(lambda: print(list(numbers), flush=True))
print(child, list(numbers))
""",
    )

    assert out == "[1, 2, 3]\n0 [1, 2, 3]\n"
    assert known.state_names(known.flow_run("counted").id) == ["Pending", "Running", "Completed"]


def test_a_task_in_a_thread_that_forks_leaves_the_queue_to_the_parent(start: Programs, known: Known) -> None:
    run(
        start,
        """
from perdure.task_runners import ThreadTaskRunner

@task
def forks():
    if (pid := os.fork()) == 0:
        raise SystemExit
    os.waitpid(pid, 0)

@task
def noted(n):
    with open("noted", "a") as file:
        file.write(f"{n} {os.getpid()}\\n")

@flow(task_runner=ThreadTaskRunner(max_workers=1))
def f():
    forks.submit()
    for n in range(3):
        noted.submit(n)

f()
assert open("noted").read() == "".join(f"{n} {os.getpid()}\\n" for n in range(3)), open("noted").read()
""",
    )

    assert {run.state_name for run in known.task_runs()} == {"Completed"}


def test_what_a_forked_child_submits_runs_there(start: Programs, known: Known) -> None:
    out, _ = run(
        start,
        """
@task
def where():
    return os.getpid()

def work():
    print(where.submit().result() == os.getpid(), flush=True)

@flow
def f():
    where.submit().result()
    return in_child(work)

print(f())
""",
    )

    assert out == "True\n0\n"
    assert [run.state_name for run in known.task_runs()] == ["Completed"] * 2


def test_a_future_of_the_parents_is_an_error_in_a_forked_child(start: Programs) -> None:
    out, _ = run(
        start,
        """
go = threading.Event()

@task
def waits():
    go.wait()

@flow
def f():
    future = waits.submit()

    def work():
        try:
            future.result()
        except Exception as error:
            print(type(error).__name__, str(error).replace(future.task_run_id, "ID"), flush=True)

    code = in_child(work)
    go.set()
    return code

print(f())
""",
    )

    assert (
        out
        == "CrashedRun The task run ID runs in the process that this one was forked from: its result is not here.\n0\n"
    )


def test_a_run_in_a_forked_child_is_recorded_to_its_end_before_the_child_can_be_killed(
    start: Programs, known: Known
) -> None:
    run(
        start,
        """
@task
def t():
    return 1

@flow
def child():
    return t()

@flow
def parent():
    in_child(lambda: child() and 0)
    in_child(lambda: t() and 0)

parent()
""",
    )

    assert {run.state_name for run in (*known.flow_runs(), *known.task_runs())} == {"Completed"}


def test_processes_of_a_runner_end_with_their_flow_however_long_forked_children_live(start: Programs) -> None:
    out, _ = run(
        start,
        """
@task
def t(n):
    return n

@flow(task_runner=ProcessTaskRunner(max_workers=1))
def f():
    t.submit(1).result()
    child = fork.Process(target=time.sleep, args=(20,))
    child.start()
    return child

child = f()
print(child.is_alive())
child.kill()
""",
    )

    assert out == "True\n"


def test_a_flow_with_processes_may_run_while_its_module_is_imported(start: Programs) -> None:
    out, _ = run(
        start,
        """
with open("jobs.py", "w") as file:
    file.write('''
from perdure import flow, task
from perdure.task_runners import ProcessTaskRunner

class Pair:
    def __init__(self, n):
        self.n = n

@task
def double(pair):
    return 2 * pair.n

@flow(task_runner=ProcessTaskRunner(max_workers=1))
def doubled(n):
    return double.submit(Pair(n)).result()

FOURTEEN = doubled(7)
''')
sys.path.insert(0, os.getcwd())
import jobs
print(jobs.FOURTEEN)
""",
    )

    assert out == "14\n"
