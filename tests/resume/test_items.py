"""Generators go on item by item: what was committed is not made again, and its consumer sees no other."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import flow, runtime, session, task, transaction
from perdure.cli.result_ls import run_names
from perdure.errors import MissingContext, SerializationError
from perdure.records import ResultFilter, RunFilter
from perdure.results import prune, verify
from tests import prepared

made: list[int] = []
had: list[Any] = []
stops: list[int] = []  # items after which a KeyboardInterrupt comes in the generator's place


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    for each in (made, had, stops):
        each.clear()


@task
def begins_again(count: int) -> Iterator[list[float]]:
    for number in range(count):
        if number in stops:
            stops.remove(number)
            raise KeyboardInterrupt
        made.append(number)
        yield [number, random.random()]


@task
def resuming(count: int) -> Iterator[list[float]]:
    for number in range(runtime.items_done(), count):
        if number in stops:
            stops.remove(number)
            raise KeyboardInterrupt
        made.append(number)
        yield [number, random.random()]


@task
async def aresuming(count: int) -> AsyncIterator[list[float]]:
    for item in resuming.fn(count):
        yield item


@flow(durable=True)
def consumer(generator: str = "begins_again") -> list[int]:
    for item in globals()[generator](4):
        had.append(item)
        use(item)
    return made


@flow(durable=True)
async def aconsumer() -> list[int]:
    async for item in aresuming(4):
        had.append(item)
        use(item)
    return made


@task
def use(item: list[float]) -> int:
    used.append(int(item[0]))
    return int(item[0])


used: list[int] = []


def the_flow_run() -> Any:
    return session.current().orchestrator.flow_runs(RunFilter())[-1]


def items() -> Any:
    return session.current().orchestrator.results(ResultFilter(items=True))


def stopped(made_by: Any, *args: Any) -> Any:
    """Run a flow until a KeyboardInterrupt, then resume it: what that comes to."""
    used.clear()
    with pytest.raises(KeyboardInterrupt):
        made_by(*args)
    return made_by.resume(the_flow_run().id)


def test_items_that_were_committed_come_from_storage_and_what_is_passed_over_is_not_handed_on() -> None:
    stops.append(2)
    stopped(consumer)
    assert made == [0, 1, 0, 1, 2, 3]
    assert [item[0] for item in had] == [0, 1, 0, 1, 2, 3]
    assert had[:2] == had[2:4]


def test_a_generator_that_asks_how_many_items_are_done_makes_none_again() -> None:
    stops.append(2)
    stopped(consumer, "resuming")
    assert made == [0, 1, 2, 3]
    assert had[:2] == had[2:4]


def test_an_async_generator_continues_too() -> None:
    stops.append(3)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(aconsumer())
    assert asyncio.run(aconsumer.resume(the_flow_run().id)) == [0, 1, 2, 3]


def test_who_was_given_an_item_is_found_done() -> None:
    stops.append(3)
    stopped(consumer)
    assert used == [0, 1, 2, 3]


def test_who_was_given_an_item_knows_who_made_it() -> None:
    consumer()
    known = session.current().orchestrator
    (maker,) = known.task_runs(RunFilter(of="begins_again"))
    assert len(known.uses_of([maker.id])) == 4


def test_a_generator_flow_continues_from_its_own_items() -> None:
    @flow(durable=True)
    def yields() -> Iterator[list[float]]:
        yield from resuming.fn(3)

    stops.append(2)
    with pytest.raises(KeyboardInterrupt):
        had.extend(yields())
    assert list(yields.resume(the_flow_run().id))[:2] == had[:2]
    assert made == [0, 1, 2]


def test_a_consumer_that_was_left_with_the_items_it_had_makes_none_run() -> None:
    @flow(durable=True)
    def takes_two() -> list[Any]:
        generator: Any = begins_again(9)
        taken = [next(generator), next(generator)]
        generator.close()
        if not had:
            had.extend(taken)
            raise KeyboardInterrupt
        return taken

    assert stopped(takes_two) == had
    assert made == [0, 1]


def test_a_flows_retry_continues_from_the_items() -> None:
    @flow(retries=1)
    def tries_again() -> list[Any]:
        for item in resuming(3):
            had.append(item)
            if len(had) == 2:
                raise ConnectionError
        return had[-3:]

    assert tries_again()[:2] == had[:2]
    assert made == [0, 1, 2]


def test_a_tasks_retry_continues_from_the_items() -> None:
    @task(retries=1)
    def breaks_once() -> Iterator[int]:
        for number in range(runtime.items_done(), 3):
            made.append(number)
            yield number
            if made == [0, 1]:
                raise ConnectionError

    assert list(breaks_once()) == [0, 1, 2]
    assert made == [0, 1, 2]


def test_an_item_that_is_gone_is_made_again_with_all_after_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stops.append(3)
    with pytest.raises(KeyboardInterrupt):
        consumer("resuming")
    second = next(each for each in items() if each.number == 1)
    (home / "storage" / second.storage_key).unlink()
    consumer.resume(the_flow_run().id)

    assert made == [0, 1, 2, 1, 2, 3]
    assert had[0] == had[3]
    assert "An item from before cannot be used, so it is made again, and all after it." in capsys.readouterr().err


def test_an_item_that_cannot_be_kept_crashes_the_run() -> None:
    @task(persist_result=True, result_serializer="json", retries=3)
    def unkeepable() -> Iterator[object]:
        made.append(1)
        yield object()

    @flow
    def fails() -> Any:
        return list(unkeepable())

    with pytest.raises(SerializationError):
        fails()
    assert made == [1]
    (run,) = session.current().orchestrator.task_runs(RunFilter())
    assert run.state_type == "CRASHED"


def test_items_of_runs_that_nobody_could_resume_are_not_committed() -> None:
    @flow
    def plain() -> None:
        list(begins_again(2))

    plain()
    list(begins_again.with_options(persist_result=True)(2))
    assert items() == []


def test_items_of_a_transaction_are_committed_with_it_and_not_one_by_one() -> None:
    @flow(durable=True)
    def together() -> list[list[float]]:
        with transaction(key="all"):
            return list(begins_again(2))

    assert len(together()) == 2
    assert items() == []


def test_the_list_of_a_retried_generator_holds_what_was_handed_on() -> None:
    @flow(durable=True, retries=1)
    def yields() -> Iterator[float]:
        yield random.random()
        if next(fails):
            raise ConnectionError
        yield 2

    fails = iter([True, False])
    assert list(yields()) == outcome()


def outcome() -> Any:
    from perdure.results import get_result

    return get_result(the_flow_run().id)


def test_items_are_pruned_once_their_flow_run_has_ended(home: Path) -> None:
    stops.append(2)
    with pytest.raises(KeyboardInterrupt):
        consumer()
    prune(grace=0)
    assert prune(grace=0).count == 0
    consumer.resume(the_flow_run().id)
    assert len(items()) == 4
    assert {each.reason: each.count for each in prune(grace=0).freed} == {"items": 4}
    assert outcome() == [0, 1, 0, 1, 2, 3]


def test_items_are_listed_by_those_only_who_look_for_results_that_are_wrong(home: Path) -> None:
    consumer()
    first = next(each for each in items() if each.number == 0)
    (home / "storage" / first.storage_key).unlink()
    known = {each.run_id for each in session.current().orchestrator.results(ResultFilter(items=False))}
    (missing,) = (verdict.record for verdict in verify() if verdict.finding == "missing")

    assert missing == first
    assert first.run_id not in known
    assert run_names([first]) == {first.run_id: f"{the_flow_run().name}[0]", the_flow_run().id: the_flow_run().name}


def test_items_done_is_for_generators_only() -> None:
    with pytest.raises(MissingContext, match="There is no generator here"):
        runtime.items_done()
    with pytest.raises(MissingContext, match="There is no generator here"):
        task(runtime.items_done)()


def test_items_done_is_asked_before_the_first_item() -> None:
    @task
    def late() -> Iterator[int]:
        yield 1
        yield runtime.items_done()

    with pytest.raises(MissingContext, match="called after 1 items"):
        list(late())


PROGRAM = """
import os, signal
from pathlib import Path
from perdure import flow, runtime, task

def note(what):
    with Path("calls").open("a") as file:
        file.write(what + " ")

@task
def pages(last):
    for number in range(runtime.items_done(), last):
        if number == 2 and not Path("died").exists():
            Path("died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        note(f"page-{number}")
        yield {"page": number, "by": os.getpid()}

@task
def rows(page):
    note(f"rows-{page['page']}")
    return page["by"]

@flow(durable=True)
def load():
    return len({rows(page) for page in pages(4)})

if __name__ == "__main__":
    load()
"""


@pytest.mark.slow
def test_after_a_kill_another_process_continues_with_the_next_item(tmp_path: Path, home: Path) -> None:
    (tmp_path / "paging.py").write_text(PROGRAM)

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PERDURE_HOME": str(home)}
        return prepared.run(*command, cwd=tmp_path, env=environment)

    assert run("paging.py").returncode == -signal.SIGKILL
    resumed = run("-m", "perdure", "flow-run", "resume", "--crashed")
    assert resumed.returncode == 0, resumed.stderr
    assert (tmp_path / "calls").read_text().split() == [f"{what}-{n}" for n in range(4) for what in ("page", "rows")]
    assert outcome() == 2


@task
def listens() -> Iterator[list[Any]]:
    heard: list[Any] = []
    for number in range(4):
        if number in stops:
            stops.remove(number)
            raise KeyboardInterrupt
        try:
            heard.append((yield [number, *heard]))
        except KeyError as error:
            heard.append(repr(error))


@flow(durable=True)
def speaker() -> list[Any]:
    generator: Any = listens()
    return [next(generator), generator.send("a"), generator.throw(KeyError("b")), generator.send("c")]


def test_a_generator_hears_again_what_was_answered_to_items_that_come_from_storage() -> None:
    stops.append(3)
    assert stopped(speaker) == [[0], [1, "a"], [2, "a", "KeyError('b')"], [3, "a", "KeyError('b')", "c"]]
