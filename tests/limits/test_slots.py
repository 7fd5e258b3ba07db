import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from perdure import concurrency, flow, rate_limit, session, task
from perdure._store.protocol import Orchestrator
from perdure.errors import LimitError, LimitTimeout
from perdure.records import Limit, LogFilter, RunFilter, Slot

Limited = Callable[..., Orchestrator]


@pytest.fixture
def limit() -> Limited:
    """Makes a limit."""

    def make(name: str, slots: int, decay: float | None = None) -> Orchestrator:
        known = session.current().orchestrator
        known.limits.put(Limit(name, slots, decay, 0))
        return known

    return make


def line(name: str) -> list[Slot]:
    return list(session.current().orchestrator.limits.slots(name))


def test_a_block_holds_its_slots_until_its_end(limit: Limited) -> None:
    limit("db", 3)
    with concurrency("db", occupy=2):
        assert [(slot.occupy, slot.taken is None) for slot in line("db")] == [(2, False)]
    assert line("db") == []


def test_a_block_that_raises_lets_go_of_its_slots(limit: Limited) -> None:
    limit("db", 1)
    with pytest.raises(ZeroDivisionError), concurrency("db"):
        1 / 0  # noqa: B018
    assert line("db") == []


def test_slots_that_are_not_free_in_time_are_an_error_that_leaves_the_line(limit: Limited) -> None:
    limit("db", 1)
    late = concurrency("db", timeout_seconds=0.02)
    with concurrency("db"), pytest.raises(LimitTimeout, match=r"'db' were not free within 0\.02 seconds"), late:
        pass
    assert line("db") == []


def test_several_limits_are_held_together_or_not_at_all(limit: Limited) -> None:
    limit("db", 1)
    limit("api", 1)
    both = concurrency(["db", "api"], timeout_seconds=0.02)
    with concurrency("db"):
        with pytest.raises(LimitTimeout), both:
            pass
        assert line("api") == []
    with both:
        assert len(line("api")) == len(line("db")) == 1


def test_coroutines_wait_without_blocking_the_loop(limit: Limited) -> None:
    limit("db", 1)
    ends: list[str] = []

    async def hold(name: str) -> None:
        async with concurrency("db"):
            await asyncio.sleep(0.02)
            ends.append(name)

    async def main() -> None:
        await asyncio.gather(hold("a"), hold("b"))

    asyncio.run(main())
    assert sorted(ends) == ["a", "b"]
    assert line("db") == []


def test_a_cancelled_coroutine_leaves_the_line(limit: Limited) -> None:
    limit("db", 1)

    async def wait() -> None:
        async with concurrency("db"):
            pass

    async def main() -> None:
        async with concurrency("db"):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0.03)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert len(line("db")) == 1

    asyncio.run(main())


def test_a_plain_block_on_an_event_loop_is_refused(limit: Limited) -> None:
    limit("db", 1)

    async def main() -> None:
        with concurrency("db"):
            pass

    with pytest.raises(LimitError, match="Write `async with concurrency"):
        asyncio.run(main())


def test_a_limit_that_is_not_there_is_an_error_for_those_who_are_strict(limit: Limited) -> None:
    limit("database", 1)
    with (
        pytest.raises(LimitError, match="There is no limit 'databse'. Did you mean 'database'"),
        concurrency("databse", strict=True),
    ):
        pass
    with pytest.raises(LimitError, match="There is no limit 'api'. Make it: `perdure limit create api 5`"):
        rate_limit("api", strict=True)


def test_a_limit_that_is_not_there_limits_nothing_and_the_log_of_the_flow_run_says_so_once(limit: Limited) -> None:
    known = limit("database", 1)

    @task
    def load() -> None:
        with concurrency(["databse", "database"], 1, create_if_missing=True):
            assert len(line("database")) == 1
        rate_limit("databse")

    @flow
    async def loads() -> None:
        load()
        load()
        async with concurrency("databse"):
            await rate_limit("databse")

    asyncio.run(loads())
    asyncio.run(loads())
    warnings = [each.message for each in known.log_lines(LogFilter(min_level=30))]
    assert len(warnings) == 2
    assert warnings[0].startswith("There is no limit 'databse', so nothing is limited. Did you mean 'database'?")
    assert "`perdure limit create databse 5` makes it; with strict=True" in warnings[0]


def test_no_names_are_no_limits() -> None:
    with concurrency([]):
        assert rate_limit(()) is None


def test_a_limit_that_is_deleted_while_somebody_waits_limits_no_more(limit: Limited) -> None:
    known = limit("db", 1)
    deleter = threading.Thread(target=lambda: (_until(lambda: len(line("db")) == 2), known.limits.delete("db")))
    with concurrency("db"):
        deleter.start()
        with concurrency("db", timeout_seconds=60):
            pass
    deleter.join()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_limit_that_is_made_counts_at_once_for_those_who_are_strict(limit: Limited) -> None:
    with concurrency("db"):
        pass
    limit("db", 1)
    with concurrency("db", strict=True):
        assert len(line("db")) == 1


def test_more_slots_than_there_are_is_refused(limit: Limited) -> None:
    limit("db", 2)
    with pytest.raises(LimitError, match="occupy=3, but 'db' has 2 slots"), concurrency("db", occupy=3):
        pass


def test_the_two_kinds_of_limit_are_distinguished(limit: Limited) -> None:
    limit("db", 2)
    limit("api", 2, 1.0)
    with pytest.raises(LimitError, match=r"Call `rate_limit\('api'\)`"), concurrency("api"):
        pass
    with pytest.raises(LimitError, match="perdure limit update db --decay"):
        rate_limit("db")


def test_a_rate_limit_lets_so_many_through_at_once_and_others_as_slots_come_back(limit: Limited) -> None:
    limit("api", 2, 20.0)
    begin = time.monotonic()
    for _ in range(4):
        rate_limit("api")
    assert 0.09 < time.monotonic() - begin < 20


def test_a_rate_limit_that_takes_too_long_takes_nothing(limit: Limited) -> None:
    limit("api", 1, 0.01)
    rate_limit("api")
    for _ in range(3):
        with pytest.raises(LimitTimeout, match=r"would take 100 seconds, more than timeout_seconds=1"):
            rate_limit("api", timeout_seconds=1)


def test_coroutines_await_a_rate_limit(limit: Limited) -> None:
    limit("api", 1, 100.0)

    async def main() -> None:
        await rate_limit("api")
        await rate_limit("api")

    asyncio.run(main())


def test_tasks_with_a_limited_tag_run_so_many_at_once_and_say_that_they_wait(limit: Limited) -> None:
    known = limit("db", 1)
    running = threading.Semaphore(1)

    @task(tags={"db"})
    def load(number: int) -> int:
        assert running.acquire(blocking=False)
        time.sleep(0.01)
        running.release()
        return number

    @flow
    def loads() -> list[int]:
        return load.map(range(4)).result()

    assert loads() == [0, 1, 2, 3]
    names = [[state.name for state in known.states(run.id)] for run in known.task_runs(RunFilter())]
    assert names.count(["Pending", "Running", "Completed"]) >= 1
    assert names.count(["Pending", "AwaitingConcurrencySlot", "Running", "Completed"]) >= 1
    assert line("db") == []


def test_a_task_lets_go_of_its_slot_while_it_waits_for_a_retry(limit: Limited) -> None:
    limit("db", 1)
    held: list[int] = []

    @task(tags={"db"}, retries=1, retry_delay_seconds=0.05)
    def fail_once() -> None:
        held.append(len(line("db")))
        if len(held) == 1:
            threading.Timer(0.02, lambda: held.append(len(line("db")))).start()
            raise ValueError

    fail_once()
    assert held == [1, 0, 1]


def test_a_task_inside_one_of_the_same_tag_does_not_wait_for_it(limit: Limited) -> None:
    limit("db", 1)

    @task(tags={"db"})
    def inner() -> int:
        return 1

    @task(tags={"db"})
    def outer() -> int:
        return inner()

    assert outer() == 1


def test_tasks_whose_limit_is_deleted_while_they_wait_continue(limit: Limited) -> None:
    known = limit("db", 0)

    @task(tags={"db"})
    def load() -> int:
        return 1

    threading.Timer(0.05, known.limits.delete, ("db",)).start()
    assert load() == 1


def test_a_tag_with_a_rate_limit_lets_tasks_begin_at_that_rate(limit: Limited) -> None:
    limit("api", 1, 50.0)

    @task(tags={"api"})
    def call() -> None: ...

    begin = time.monotonic()
    for _ in range(4):
        call()
    assert time.monotonic() - begin > 0.05
