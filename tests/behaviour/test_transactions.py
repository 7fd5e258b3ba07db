"""Transactions: results of several steps that are committed together, or not at all."""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from perdure import INPUTS, Transaction, flow, get_transaction, session, settings, task, transaction
from perdure.errors import TransactionError
from perdure.records import ResultFilter, RunFilter
from perdure.results import get_result, prune
from perdure.task_runners import ProcessTaskRunner, ThreadTaskRunner
from perdure.testing.home import fresh_home
from perdure.testing.invariants import violations
from tests.behaviour.conftest import Known

events: list[str] = []


@pytest.fixture(autouse=True)
def no_events() -> None:
    events.clear()


@task
def write(name: str) -> list[str]:
    events.append(f"write {name}")
    return [name]


@write.on_rollback
def unwrite(txn: Transaction, state: Any) -> None:
    events.append(f"unwrite {state.result()[0]}")


@write.on_commit
def written(txn: Transaction, state: Any) -> None:
    events.append(f"written {state.result()[0]}")


@task
async def awrite(name: str) -> str:
    events.append(f"write {name}")
    await asyncio.sleep(0)
    return name


@awrite.on_rollback
async def aunwrite(txn: Transaction, state: Any) -> None:
    await asyncio.sleep(0)
    events.append(f"unwrite {state.data.get()}")


@task
def fail() -> None:
    raise ValueError("no")


def documents() -> int:
    storage = settings.current().local_storage_path
    return sum(each.is_file() for each in Path(storage).rglob("*"))


def kept() -> int:
    """How many results of tasks can be seen."""
    return sum(each.of_task for each in session.current().orchestrator.results(ResultFilter()))


# All or nothing


def test_results_are_seen_only_once_the_transaction_is_committed(known: Known) -> None:
    seen = []

    @flow
    def storing() -> None:
        with transaction():
            write("a")
            write("b")
            seen.append((kept(), documents()))
        seen.append((kept(), documents()))

    storing()

    assert seen == [(0, 2), (2, 2)]
    assert [get_result(run.id) for run in known.task_runs()] == [["a"], ["b"]]
    assert violations(session.current().orchestrator) == []


def test_a_block_that_raises_leaves_no_results(known: Known) -> None:
    @flow
    def storing() -> None:
        with transaction():
            write("a")
            fail()

    with pytest.raises(ValueError, match="no"):
        storing()

    assert documents() == kept() == 0
    assert known.state_names(known.task_run("write").id) == ["Pending", "Running", "Completed", "RolledBack"]
    assert violations(session.current().orchestrator) == []


def test_a_failure_that_the_block_handles_is_committed_with_the_rest() -> None:
    @flow
    def storing() -> str:
        with transaction():
            write("a")
            try:
                fail()
            except ValueError:
                write("b")
        return "done"

    assert storing() == "done"
    assert events == ["write a", "write b", "written a", "written b"]


def test_what_runs_after_a_block_is_not_in_it() -> None:
    @flow
    def storing() -> None:
        with transaction():
            write("a")
        write("b")
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        storing()
    assert events == ["write a", "written a", "write b"]


def test_a_flows_retry_runs_again_what_was_rolled_back() -> None:
    attempts = []

    @flow(retries=1)
    def storing() -> list[str]:
        with transaction() as txn:
            assert not txn.is_committed()
            value = write("a")
            attempts.append(1)
            if len(attempts) == 1:
                raise ValueError("once")
        return value

    assert storing() == ["a"]
    assert events == ["write a", "unwrite a", "write a", "written a"]


def test_a_flows_retry_takes_over_what_was_committed() -> None:
    attempts = []

    @flow(retries=1)
    def storing() -> list[str]:
        with transaction() as txn:
            attempts.append(txn.is_committed())
            value = write("a")
        if len(attempts) == 1:
            raise ValueError("once")
        return value

    assert storing() == ["a"]
    assert attempts == [False, True]
    assert events == ["write a", "written a"]


# Hooks


def test_rollback_hooks_come_in_reverse_order_each_once() -> None:
    @flow
    def storing() -> None:
        with transaction():
            for name in "abc":
                write(name)
            raise KeyError("x")

    with pytest.raises(KeyError):
        storing()
    assert events == ["write a", "write b", "write c", "unwrite c", "unwrite b", "unwrite a"]


def test_a_hook_that_raises_stops_no_other_and_the_blocks_exception_continues(known: Known) -> None:
    broken = write.with_options(name="broken")

    @broken.on_rollback
    def bad(txn: Transaction) -> None:
        raise RuntimeError("hook")

    @flow
    def storing() -> None:
        with transaction():
            write("a")
            broken("b")
            fail()

    with pytest.raises(ValueError, match="no"):
        storing()
    assert [each for each in events if each.startswith("un")] == ["unwrite b", "unwrite a"]
    assert any("hook bad raised" in line.message for line in known.lines())


def test_hooks_may_be_given_to_the_decorator() -> None:
    @task(on_rollback=[lambda txn: events.append("undone")], on_commit=[lambda txn: events.append("done")])
    def given() -> int:
        return 1

    @flow
    def storing(bad: bool) -> None:
        with transaction():
            given()
            if bad:
                fail()

    storing(False)
    storing(True, return_state=True)
    assert events == ["done", "undone"]


def test_a_task_is_undone_before_the_tasks_that_it_called() -> None:
    @task
    def outer() -> str:
        write("inner")
        return "outer"

    outer.on_rollback(lambda txn: events.append("unouter"))

    @flow
    def storing() -> None:
        with transaction():
            outer()
            fail()

    storing(return_state=True)
    assert events == ["write inner", "unouter", "unwrite inner"]


def test_tasks_that_a_hook_calls_are_not_inside() -> None:
    cleaning = task(lambda: events.append("cleaned") or 1, name="cleaning")

    @task
    def make() -> int:
        return 1

    make.on_rollback(lambda txn: cleaning())

    @flow
    def storing() -> None:
        with transaction():
            make()
            fail()

    storing(return_state=True)
    assert events == ["cleaned"]


# Values


def test_values_that_tasks_set_are_there_for_the_hooks() -> None:
    @task
    def make(name: str) -> int:
        txn = get_transaction()
        assert txn is not None
        txn.set(name, {"path": f"/{name}"})
        return 1

    make.on_rollback(lambda txn: events.append(txn.get("a")["path"] + txn.get("b", "none")))

    @flow
    def storing() -> None:
        with transaction():
            make("a")
            fail()

    storing(return_state=True)
    assert events == ["/anone"]


def test_a_value_that_was_not_set_is_an_error_that_names_those_that_were() -> None:
    with transaction() as txn:
        txn.set("path", 1)
        with pytest.raises(TransactionError, match="no value 'pat'; it has: path"):
            txn.get("pat")


def test_a_value_that_cannot_be_pickled_is_refused() -> None:
    with transaction() as txn, pytest.raises(TransactionError, match="'lock', a lock, cannot be kept"):
        txn.set("lock", threading.Lock())


# What counts as inside


def test_the_block_waits_for_what_it_submitted() -> None:
    @task
    def slow(name: str) -> str:
        time.sleep(0.02)
        return write(name)[0]

    @flow
    def storing() -> None:
        with transaction():
            slow.submit("a")
            slow.map(["b", "c"])
        events.append("left")

    storing()
    assert sorted(events[:3]) == ["write a", "write b", "write c"]
    assert events[-1] == "left"


def test_a_submitted_task_that_fails_rolls_back_and_is_raised() -> None:
    @flow
    def storing() -> None:
        with transaction():
            write("a")
            fail.submit()

    with pytest.raises(ValueError, match="no"):
        storing()
    assert events == ["write a", "unwrite a"]


@pytest.mark.slow
def test_a_block_that_raises_submits_no_more_of_what_it_mapped() -> None:
    @task
    def slow(number: int) -> None:
        events.append("slow")
        time.sleep(0.001)

    @flow(task_runner=ThreadTaskRunner(max_workers=2))
    def storing() -> str:
        try:
            with transaction():
                slow.map(range(3_000))
                fail()
        except ValueError:
            events.append("left")
        return "done"

    storing()
    assert events[-1] == "left"
    assert events.count("slow") < 3_000
    assert kept() == 0


def test_subflows_are_inside(known: Known) -> None:
    @flow(persist_result=True)
    def below(name: str) -> list[str]:
        return write(name)

    @flow
    def storing(bad: bool) -> None:
        with transaction():
            below("a")
            if bad:
                fail()

    storing(True, return_state=True)
    assert events == ["write a", "unwrite a"]
    assert known.state_names(known.flow_run("below").id)[-1] == "RolledBack"
    assert documents() == 0


def test_a_generator_task_that_nobody_finishes_is_ended_with_the_block() -> None:
    @task
    def numbers() -> Any:
        try:
            yield 1
            yield 2
        finally:
            events.append("closed")

    @flow
    def storing() -> None:
        with transaction():
            next(kept_alive := numbers())
            held.append(kept_alive)
        events.append("left")

    held: list[Any] = []
    storing()
    assert events == ["closed", "left"]


def test_items_of_a_generator_that_was_rolled_back_are_made_again() -> None:
    @task
    def numbers() -> Any:
        events.append("numbers")
        yield [1]
        yield [2]

    @flow(retries=1)
    def storing() -> list[Any]:
        with transaction():
            items = list(numbers())
            assert kept() == 0
            if events == ["numbers"]:
                fail()
        return items

    assert storing() == [[1], [2]]
    assert events == ["numbers", "numbers"]


def test_the_consumer_of_a_generator_flow_is_not_inside_its_block() -> None:
    @flow
    def below() -> Any:
        with transaction():
            yield write("a")
            raise ValueError("late")

    @flow
    def storing() -> str:
        try:
            for _ in below():
                write("b")
        except ValueError:
            pass
        return "done"

    storing()
    assert events == ["write a", "write b", "unwrite a"]


def test_persist_result_false_stays_unpersisted_inside() -> None:
    @task(persist_result=False)
    def light() -> list[int]:
        return [1]

    @flow
    def storing() -> list[int]:
        with transaction():
            return light()

    assert storing() == [1]
    assert documents() == 0


@pytest.mark.slow
def test_tasks_in_processes_are_inside(tmp_path: Path) -> None:
    from tests.behaviour.transaction_tasks import mark

    @flow(task_runner=ProcessTaskRunner(max_workers=1))
    def storing(bad: bool) -> None:
        with transaction():
            mark.submit(str(tmp_path / "mark")).wait()
            if bad:
                fail()

    storing(True, return_state=True)
    assert not (tmp_path / "mark").exists()
    storing(False)
    assert (tmp_path / "mark").read_text() == "made, committed"


# Caches


def test_a_cached_result_is_seen_inside_at_once_and_outside_with_the_commit() -> None:
    @task(cache_policy=INPUTS)
    def costly(x: int) -> list[int]:
        events.append("costly")
        return [x]

    @flow
    def storing(bad: bool) -> None:
        with transaction():
            costly(1)
            costly(1)
            if bad:
                fail()

    storing(True, return_state=True)
    assert events == ["costly"]
    storing(False)
    assert events == ["costly", "costly"]
    costly(1)
    assert events == ["costly", "costly"]
    assert violations(session.current().orchestrator) == []


def test_a_document_that_others_lead_to_stays_after_a_rollback() -> None:
    @task(result_storage_key="{digest}.json", persist_result=True)
    def same() -> list[int]:
        return [1]

    @flow
    def storing(bad: bool) -> None:
        with transaction():
            same()
            if bad:
                fail()

    storing(False)
    storing(True, return_state=True)
    assert documents() == 1
    assert violations(session.current().orchestrator) == []


def test_documents_of_a_block_that_continues_are_no_orphans() -> None:
    long_ago = time.time() - 7 * 86_400

    @flow
    def storing() -> None:
        with transaction():
            write("a")
            for each in settings.current().local_storage_path.rglob("*"):
                os.utime(each, (long_ago, long_ago))
            prune(orphans=True)

    storing()
    assert documents() == 1
    assert violations(session.current().orchestrator) == []


# Nested


def test_an_inner_block_is_committed_with_the_outer_one() -> None:
    @flow
    def storing() -> None:
        with transaction():
            with transaction():
                write("a")
            assert kept() == 0
            write("b")
            fail()

    storing(return_state=True)
    assert events == ["write a", "write b", "unwrite b", "unwrite a"]


def test_an_inner_block_that_raises_is_rolled_back_alone() -> None:
    @flow
    def storing() -> int:
        with transaction() as outer:
            outer.set("x", 1)
            write("a")
            try:
                with transaction() as inner:
                    assert inner.get("x") == 1
                    with transaction():
                        write("b")
                    fail()
            except ValueError:
                write("c")
        return 1

    storing()
    assert events == ["write a", "write b", "unwrite b", "write c", "written a", "written c"]


def test_an_inner_block_has_no_key_of_its_own() -> None:
    @flow
    def storing() -> None:
        with transaction(key="a"), transaction(key="a"):
            pass
        with transaction(key="a"), transaction(key="b"):
            pass

    with pytest.raises(TransactionError, match="key='b'.*inside another transaction"):
        storing()


# Keys


def test_a_committed_key_is_not_run_again_by_any_run() -> None:
    @flow
    def storing(turn: int) -> tuple[bool, list[str]]:
        write("before") if turn == 2 else None
        with transaction(key="day-1") as txn:
            return txn.is_committed(), [*write("a"), *write("a")]

    assert storing(1) == (False, ["a", "a"])
    events.clear()
    assert storing(2) == (True, ["a", "a"])
    assert events == ["write before"]
    assert violations(session.current().orchestrator) == []


def test_a_key_that_was_rolled_back_is_run_again() -> None:
    @flow
    def storing(bad: bool) -> bool:
        with transaction(key="day-1") as txn:
            write("a")
            if bad:
                fail()
            return txn.is_committed()

    storing(True, return_state=True)
    assert storing(False) is False
    assert events == ["write a", "unwrite a", "write a", "written a"]


def test_one_is_inside_a_key_at_a_time() -> None:
    inside = []
    most = []

    @flow
    def storing(number: int) -> list[str]:
        with transaction(key="one"):
            inside.append(number)
            most.append(len(inside))
            value = write("a")
            time.sleep(0.01)
            inside.remove(number)
        return value

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(storing, range(4))) == [["a"]] * 4
    assert max(most) == 1
    assert events.count("write a") == 1


def test_coroutines_on_one_loop_take_turns_at_a_key() -> None:
    @flow
    async def storing(number: int) -> str:
        async with transaction(key="one"):
            return await awrite("a")

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(storing(number) for number in range(3)))

    assert asyncio.run(all_of_them()) == ["a"] * 3
    assert events.count("write a") == 1


# Coroutines


def test_a_coroutine_flow_writes_async_with() -> None:
    @flow
    async def storing(bad: bool) -> None:
        async with transaction():
            await awrite("a")
            awrite.submit("b")
            if bad:
                raise ValueError("no")

    asyncio.run(storing(False))
    events.clear()
    with pytest.raises(ValueError, match="no"):
        asyncio.run(storing(True))
    assert sorted(events) == ["unwrite a", "unwrite b", "write a", "write b"]


def test_with_would_block_the_loop_of_a_coroutine_flow() -> None:
    @flow
    async def storing() -> None:
        with transaction():
            pass

    with pytest.raises(TransactionError, match="async with"):
        asyncio.run(storing())


def test_two_coroutines_have_transactions_of_their_own() -> None:
    async def one(name: str, bad: bool) -> None:
        async with transaction():
            await awrite(name)
            await asyncio.sleep(0.01)
            if bad:
                raise ValueError(name)

    @flow
    async def storing() -> int:
        await asyncio.gather(one("a", True), one("b", False), return_exceptions=True)
        return 1

    asyncio.run(storing())
    assert [each for each in events if each.startswith("un")] == ["unwrite a"]
    assert kept() == 1


def test_a_cancelled_block_is_rolled_back() -> None:
    @flow
    async def storing() -> None:
        async with transaction():
            await awrite("a")
            await asyncio.sleep(10)

    async def cancelling() -> None:
        running = asyncio.ensure_future(storing())
        while "write a" not in events:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelling())
    assert events == ["write a", "unwrite a"]


def test_a_block_that_is_cancelled_alone_leaves_the_flow_as_it_is() -> None:
    @flow
    async def storing() -> str:
        try:
            async with asyncio.timeout(0.1), transaction():
                awrite.submit("a")
                await asyncio.sleep(10)
        except TimeoutError:
            pass
        return await awrite.submit("b").result()

    assert asyncio.run(storing()) == "b"
    assert events == ["write a", "unwrite a", "write b"]


# Elsewhere


def test_outside_flows_a_transaction_works_within_the_process() -> None:
    block(False, ["a"])
    block(True, ["b"])
    assert events == ["write a", "written a", "write b", "unwrite b"]


def test_a_transaction_inside_a_task_is_an_error() -> None:
    @task
    def storing() -> None:
        with transaction():
            pass

    with pytest.raises(TransactionError, match="inside the task 'storing'"):
        storing()


def test_a_key_is_text() -> None:
    with pytest.raises(TransactionError, match="key=7"):
        transaction(key=7)  # type: ignore[arg-type]


def test_a_commit_that_the_database_refuses_rolls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from perdure.errors import OrchestratorError

    def refuse(*_: Any) -> None:
        raise OrchestratorError("full")

    @flow
    def storing() -> None:
        with transaction():
            write("a")
            monkeypatch.setattr(session.current().transactions, "commit", refuse)

    with pytest.raises(OrchestratorError, match="full"):
        storing()
    assert events == ["write a", "unwrite a"]
    assert kept() == 0


# Any blocks at all

Plan = list[Any]  # names of tasks, and plans of blocks: [fails, plan]
plans = st.recursive(
    st.lists(st.sampled_from("abc"), max_size=3),
    lambda inner: st.lists(st.one_of(st.sampled_from("abc"), st.tuples(st.booleans(), inner)), max_size=4),
    max_leaves=12,
)


def carried_out(plan: Any) -> None:
    for each in plan:
        if isinstance(each, str):
            write(each)
        else:
            block(*each)


def stop() -> None:
    raise ValueError("planned")


def block(fails: bool, plan: Any) -> None:
    try:
        with transaction():
            carried_out(plan)
            if fails:
                stop()
    except ValueError:
        pass


def modelled(plan: Any, reported: list[str], inside: bool) -> list[str]:
    """What the hooks tell, and the tasks that stay, of a plan."""
    stay: list[str] = []
    for each in plan:
        if isinstance(each, str):
            reported.append(f"write {each}")
            stay.append(each)
            continue
        fails, inner = each
        below = modelled(inner, reported, True)
        if fails:
            reported += [f"unwrite {name}" for name in reversed(below)]
        else:
            stay += below
            reported += [] if inside else [f"written {name}" for name in below]
    return stay


@given(plans)
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_any_blocks_end_as_a_model_says(plan: Any) -> None:
    @flow
    def storing() -> int:
        carried_out([(False, plan)])
        return 1

    with fresh_home():
        events.clear()
        storing()
        reported: list[str] = []
        stay = modelled([(False, plan)], reported, False)
        assert events == reported
        runs = session.current().orchestrator.task_runs(RunFilter())
        assert kept() == len(stay) == sum(run.state_name == "Completed" for run in runs)
        assert violations(session.current().orchestrator) == []
