"""Where submitted tasks run: threads, one after another, or processes; and futures on them."""

import os
import signal
import threading
import time
from typing import Any

import pytest

from perdure import flow, task
from perdure.errors import CrashedRun, DefinitionError, SerializationError
from perdure.task_runners import ProcessTaskRunner, SequentialTaskRunner, ThreadTaskRunner


@task
def one() -> int:
    return 1


@task
def same(x: Any) -> Any:
    return x


def test_submitted_tasks_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3)

    @task
    def meets() -> int:
        return barrier.wait(60)

    @flow(task_runner=ThreadTaskRunner(3))
    def submits() -> Any:
        return sorted(future.result() for future in [meets.submit() for _ in range(3)])

    assert submits() == [0, 1, 2]


class Meets:
    """A value that is written only while others are."""

    barrier = threading.Barrier(3)

    def __reduce__(self) -> Any:
        self.barrier.wait(60)
        return int, ()


def test_results_of_submitted_tasks_are_written_at_the_same_time() -> None:
    @task(persist_result=True)
    def returns() -> Any:
        return Meets()

    @flow(task_runner=ThreadTaskRunner(3))
    def submits() -> list[str]:
        return [str(future.wait().name) for future in [returns.submit() for _ in range(3)]]

    assert submits() == ["Completed"] * 3


def test_no_more_tasks_run_at_once_than_the_runner_allows() -> None:
    running = most = 0
    lock = threading.Lock()

    @task
    def counts() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    @flow(task_runner=ThreadTaskRunner(2))
    def submits() -> int:
        for _ in range(8):
            counts.submit()
        return 0

    submits()

    assert most == 2


def test_a_future_knows_whether_its_run_is_done() -> None:
    go = threading.Event()

    @task
    def waits() -> int:
        go.wait(60)
        return 3

    @flow
    def submits() -> Any:
        future = waits.submit()
        before = future.is_done, future.wait(timeout=0.01), str(future.get_state().type)
        with pytest.raises(TimeoutError, match=r"has not finished after 0\.01"):
            future.result(timeout=0.01)
        go.set()
        return before, future.result(), future.is_done

    assert submits() == ((False, None, "PENDING"), 3, True)


def test_what_a_flow_submitted_and_did_not_wait_for_is_waited_for() -> None:
    done = []

    @task
    def slow() -> None:
        time.sleep(0.02)
        done.append(1)

    @flow
    def forgets() -> int:
        slow.submit()
        return 0

    forgets()

    assert done == [1]


def test_a_sequential_runner_runs_in_the_callers_thread() -> None:
    @task
    def thread() -> int:
        return threading.get_ident()

    @flow(task_runner=SequentialTaskRunner())
    def submits() -> Any:
        return thread.submit().result()

    assert submits() == threading.get_ident()


def test_tasks_that_wait_for_tasks_do_not_deadlock_on_one_thread() -> None:
    @task
    def nested(depth: int) -> int:
        return 0 if depth == 0 else 1 + nested.submit(depth - 1).result()

    @flow(task_runner=ThreadTaskRunner(1))
    def submits() -> Any:
        return nested.submit(20).result()

    assert submits() == 20


def test_tasks_that_wait_for_dependent_tasks_do_not_deadlock_on_one_thread() -> None:
    @task
    def chains() -> Any:
        first = one.submit()
        second = same.submit(first)
        return same.submit([second, first]).result()

    @flow(task_runner=ThreadTaskRunner(1))
    def submits() -> Any:
        return chains.submit().result()

    assert submits() == [1, 1]


def test_coroutines_that_wait_for_tasks_do_not_deadlock_on_one_thread() -> None:
    @task
    async def waits() -> Any:
        return one.submit().result()

    @flow(task_runner=ThreadTaskRunner(1))
    def submits() -> Any:
        return waits.submit().result()

    assert submits() == 1


def test_each_flow_run_has_threads_of_its_own() -> None:
    runner = ThreadTaskRunner(1)

    @flow(task_runner=runner)
    def child() -> Any:
        return one.submit().result()

    @task
    def calls_child() -> Any:
        return child()

    @flow(task_runner=runner)
    def parent() -> Any:
        return calls_child.submit().result()

    assert parent() == 1


def test_no_threads_stay_after_a_flow() -> None:
    @flow
    def submits() -> Any:
        return one.submit().result()

    before = threading.enumerate()
    submits()

    assert not [
        thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("perdure-worker")
    ]


def test_a_task_runner_is_checked_at_definition() -> None:
    with pytest.raises(DefinitionError, match="must be a task runner"):
        flow(task_runner="threads")(lambda: 1)
    with pytest.raises(DefinitionError, match="max_workers=0"):
        ThreadTaskRunner(0)


def test_a_task_may_be_submitted_outside_all_flows() -> None:
    assert same.submit(4).result() == 4


def test_flows_run_at_the_same_time_in_threads(known: Any) -> None:
    @flow
    def named(i: int) -> Any:
        return same.submit(i).result() + same(i)

    got: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda i=i: got.update({i: named(i)})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == {i: 2 * i for i in range(8)}
    of = [run.flow_run_id for run in known.task_runs()]
    assert sorted(map(str, of)) == sorted(run.id for run in known.flow_runs() for _ in range(2))


@pytest.mark.slow
def test_tasks_run_in_other_processes(known: Any) -> None:
    @task
    def process(x: Any) -> Any:
        return os.getpid(), x

    @flow(task_runner=ProcessTaskRunner(2))
    def submits() -> Any:
        return process.submit(same.submit([1])).result()

    pid, value = submits()

    assert pid != os.getpid()
    assert value == [1]
    assert {run.state_name for run in known.task_runs()} == {"Completed"}


@pytest.mark.slow
def test_a_failure_in_another_process_is_raised_here() -> None:
    @task(retries=1)
    def fails() -> None:
        raise ValueError("over there")

    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        with pytest.raises(ValueError, match="over there"):
            fails.submit().result()
        return "raised"

    assert submits() == "raised"


@pytest.mark.slow
def test_a_killed_process_crashes_only_its_own_task(known: Any) -> None:
    @task
    def dies() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        lost = dies.submit()
        after = same.submit(2)
        with pytest.raises(CrashedRun, match="SIGKILL"):
            lost.result()
        return after.result()

    assert submits() == 2
    assert known.task_run("dies").state_name == "Crashed"


@pytest.mark.slow
def test_what_cannot_be_sent_to_a_process_crashes_its_task() -> None:
    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        with pytest.raises(SerializationError, match="cannot be sent to a worker"):
            same.submit(threading.Lock()).result()
        return "refused"

    assert submits() == "refused"


@pytest.mark.slow
def test_a_coroutine_task_of_a_coroutine_flow_runs_in_a_process() -> None:
    import asyncio

    @task
    async def process() -> int:
        return os.getpid()

    @flow(task_runner=ProcessTaskRunner(1))
    async def submits() -> Any:
        return await process.submit().result()

    assert asyncio.run(submits()) != os.getpid()


@pytest.mark.slow
def test_tasks_in_a_process_may_call_and_submit_others(known: Any) -> None:
    @task
    def outer() -> Any:
        return same(1) + same.submit(2).result()

    @flow(task_runner=ProcessTaskRunner(1))
    def submits() -> Any:
        return outer.submit().result()

    assert submits() == 3
    assert {run.flow_run_id for run in known.task_runs("same")} == {known.flow_runs()[0].id}


@pytest.mark.slow
def test_a_returned_future_has_arrived_when_the_flow_ends() -> None:
    @flow
    def returns() -> Any:
        return [same.submit(i) for i in range(5)]

    assert all(returns(return_state=True).is_completed() for _ in range(200))


def test_a_time_limit_holds_for_a_task_that_no_thread_has_begun() -> None:
    @task
    def slow() -> None:
        time.sleep(0.3)

    @task
    def waits() -> bool:
        future = slow.submit()
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01)
        return True

    @flow(task_runner=ThreadTaskRunner(max_workers=1))
    def one_thread() -> bool:
        return waits.submit().result()

    assert one_thread()


def test_a_long_chain_of_futures_is_waited_for_on_the_only_thread() -> None:
    @task
    def next_to(number: int) -> int:
        return number + 1

    @task
    def chains() -> int:
        future: Any = 0
        for _ in range(600):
            future = next_to.submit(future)
        return future.result()

    @flow(task_runner=ThreadTaskRunner(max_workers=1))
    def one_thread() -> int:
        return chains.submit().result()

    assert one_thread() == 600
