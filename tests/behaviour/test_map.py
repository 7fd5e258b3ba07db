"""`task.map`: one call for each item, submitted as there is room."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from perdure import allow_failure, flow, tags, task, unmapped
from perdure._execution.map_window import WINDOW, Mapped
from perdure.errors import MappingLengthMismatch, MappingMissingIterable, MissingResult
from perdure.task_runners import SequentialTaskRunner, ThreadTaskRunner


@task
def add(x: Any, y: Any = 10) -> Any:
    return x + y


@task
def same(x: Any) -> Any:
    return x


@task
def fail_on_two(x: int) -> int:
    if x == 2:
        raise ValueError("two")
    return x


def in_flow(function: Any, **options: Any) -> Any:
    return flow(**options)(function)() if options else flow(function)()


def test_each_item_is_one_call_in_the_order_of_the_items() -> None:
    assert in_flow(lambda: add.map([1, 2, 3]).result()) == [11, 12, 13]


def test_several_iterables_go_side_by_side() -> None:
    assert in_flow(lambda: add.map([1, 2], [30, 40]).result()) == [31, 42]


def test_what_is_no_iterable_is_the_same_for_all_calls() -> None:
    assert in_flow(lambda: add.map([1, 2], 5).result()) == [6, 7]


def test_unmapped_keeps_a_collection_whole() -> None:
    assert in_flow(lambda: add.map([[1], [2]], unmapped([0])).result()) == [[1, 0], [2, 0]]


def test_text_and_dicts_are_not_mapped_over() -> None:
    assert in_flow(lambda: add.map(["a", "b"], "cd").result()) == ["acd", "bcd"]


def test_a_default_that_is_a_list_is_not_mapped_over() -> None:
    @task
    def joined(x: int, more: Any = (1, 2)) -> Any:
        return x, more

    assert in_flow(lambda: joined.map([5]).result()) == [(5, (1, 2))]


def test_nothing_to_map_over_is_refused() -> None:
    with pytest.raises(MappingMissingIterable, match=r"add\.map got nothing to map over: x=1, y=2"):
        in_flow(lambda: add.map(1, 2))


def test_different_lengths_are_refused() -> None:
    with pytest.raises(MappingLengthMismatch, match="x has 2, y has 3"):
        in_flow(lambda: add.map([1, 2], [1, 2, 3]))


def test_generators_of_different_lengths_are_refused_when_one_ends() -> None:
    with pytest.raises(MappingLengthMismatch):
        in_flow(lambda: add.map((i for i in range(2)), [1, 2, 3]).result())


def test_an_empty_list_makes_no_calls(known: Any) -> None:
    assert in_flow(lambda: (same.map([]).result(), 0)) == ([], 0)
    assert known.task_runs() == []


def test_a_future_of_a_list_is_mapped_over_by_its_items() -> None:
    @task
    def numbers() -> list[int]:
        return [1, 2]

    assert in_flow(lambda: add.map(numbers.submit()).result()) == [11, 12]


def test_futures_among_the_items_are_waited_for() -> None:
    assert in_flow(lambda: add.map([same.submit(1), same.submit(2)]).result()) == [11, 12]


def test_mapped_futures_can_be_mapped_over() -> None:
    assert in_flow(lambda: add.map(add.map([1, 2])).result()) == [21, 22]


def test_a_call_whose_item_failed_is_not_ready_and_the_others_run() -> None:
    def maps() -> Any:
        first = fail_on_two.map([1, 2, 3])
        return [str(future.wait().type) for future in same.map(first)]  # type: ignore[union-attr]

    assert in_flow(maps) == ["COMPLETED", "PENDING", "COMPLETED"]


def test_the_result_raises_the_first_failure() -> None:
    def maps() -> Any:
        mapped = fail_on_two.map([1, 2, 3])
        with pytest.raises(ValueError, match="two"):
            mapped.result()
        return mapped.result(raise_on_failure=False)[::2]

    assert in_flow(maps) == [1, 3]


def test_allow_failure_of_mapped_futures_passes_exceptions() -> None:
    def maps() -> Any:
        return [str(value) for value in same.submit(allow_failure(fail_on_two.map([1, 2]))).result()]

    assert in_flow(maps) == ["1", "two"]


def test_mapped_futures_are_a_sequence() -> None:
    def maps() -> Any:
        mapped = add.map([1, 2, 3])
        return len(mapped), mapped[0].result(), mapped[-1].result(), [future.result() for future in mapped]

    assert in_flow(maps) == (3, 11, 13, [11, 12, 13])


@pytest.mark.slow
def test_no_more_than_a_window_of_a_generator_is_taken_ahead() -> None:
    taken = 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for i in range(3 * WINDOW):
            taken += 1
            yield i

    ahead = []

    @task
    def notes(i: int) -> int:
        ahead.append(taken - i)
        return i

    def maps() -> Any:
        return sum(notes.map(numbers()).result())

    assert in_flow(maps, task_runner=ThreadTaskRunner(2)) == sum(range(3 * WINDOW))
    assert taken == 3 * WINDOW
    assert max(ahead) < 2 * WINDOW


def test_a_generator_that_nobody_waits_for_is_taken_to_its_end_within_its_flow(known: Any) -> None:
    def maps() -> int:
        with tags("mapped"):
            same.map(i for i in range(WINDOW + 50))
        return 0

    in_flow(maps)

    runs = known.task_runs("same")
    assert len(runs) == WINDOW + 50
    assert {run.flow_run_id for run in runs} == {known.flow_runs()[0].id}
    assert {run.tags for run in runs} == {'["mapped"]'}


def test_a_generator_that_fails_fails_the_flow() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("gone")

    state = flow(lambda: same.map(numbers()) and 1)(return_state=True)

    assert state.is_failed()
    assert isinstance(state.result(raise_on_failure=False), KeyError)


def test_a_generators_failure_that_was_handled_does_not_fail_the_flow() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("gone")

    def maps() -> Any:
        with pytest.raises(KeyError):
            same.map(numbers()).result()
        return "handled"

    assert in_flow(maps) == "handled"


def test_a_task_maps_other_tasks_on_the_only_thread_without_a_deadlock() -> None:
    @task
    def outer(n: int) -> Any:
        return sum(add.map(range(n)).result())

    assert in_flow(lambda: outer.map([3, 4]).result(), task_runner=ThreadTaskRunner(1)) == [33, 46]


def test_a_task_maps_over_more_than_a_window_on_the_only_thread() -> None:
    @task
    def outer() -> int:
        return len(same.map(range(WINDOW + 10)).result())

    assert in_flow(lambda: outer.submit().result(), task_runner=ThreadTaskRunner(1)) == WINDOW + 10


def test_a_sequential_runner_maps_one_after_another() -> None:
    order = []

    @task
    def notes(i: int) -> None:
        order.append(i)

    in_flow(lambda: notes.map(range(20)) and 1, task_runner=SequentialTaskRunner())

    assert order == list(range(20))


def test_a_method_maps_with_its_instance_fixed() -> None:
    class Scale:
        factor = 3

        @task
        def scaled(self, x: int) -> int:
            return self.factor * x

    assert in_flow(lambda: Scale().scaled.map([1, 2]).result()) == [3, 6]


def test_map_works_outside_a_flow() -> None:
    assert add.map([1, 2]).result() == [11, 12]


def test_waiting_for_others_holds_all_calls_back() -> None:
    order = []

    @task
    def notes(x: Any) -> None:
        order.append(x)

    def maps() -> int:
        first = notes.submit("first")
        notes.map([1, 2], wait_for=[first]).wait()
        return 0

    in_flow(maps)

    assert order[0] == "first"


@pytest.mark.slow
def test_fifty_thousand_items_are_mapped_quickly(known: Any) -> None:
    began = time.process_time()  # not the wall clock, which says more of what else the machine does
    in_flow(lambda: sum(same.map(range(50_000)).result()))

    assert time.process_time() - began < 30
    assert len(known.task_runs("same")) == 50_000


def test_variable_parameters_are_mapped_over_one_by_one() -> None:
    @task
    def total(*numbers: int) -> int:
        return sum(numbers)

    @task
    def scaled(x: int, **more: int) -> int:
        return x * more["by"]

    def maps() -> Any:
        return (
            total.map([1, 2], [3, 4]).result(),
            scaled.map([1, 2], by=[3, 4]).result(),
            scaled.map([1], by=5).result(),
        )

    assert in_flow(maps) == ([4, 6], [3, 8], [5])


def test_a_subflow_may_run_in_each_mapped_call() -> None:
    @flow
    def child(x: int) -> int:
        return x + 1

    @task
    def calls(x: int) -> int:
        return child(x)

    assert in_flow(lambda: calls.map([1, 2, 3]).result()) == [2, 3, 4]


def test_the_futures_of_a_generator_are_handed_on_once() -> None:
    def maps() -> Any:
        futures = same.map(x for x in range(3))
        assert [future.result() for future in futures] == [0, 1, 2]
        with pytest.raises(MissingResult, match=r"call 0 was handed on already.*Keep them in a list"):
            futures.result()
        return 1

    assert in_flow(maps) == 1


def test_a_failure_whose_future_was_handed_on_does_not_end_the_wait_for_the_others() -> None:
    end = threading.Event()

    @task
    def first_fails(x: int) -> int:
        if x == 0:
            raise ValueError("first")
        assert end.wait(10)
        return x

    def maps() -> Any:
        futures = first_fails.map(x for x in range(3))
        next(iter(futures)).wait()
        threading.Timer(0.05, end.set).start()
        with pytest.raises(MissingResult, match="call 0 was handed on already"):
            futures.result()
        return 1

    assert in_flow(maps) == 1


@pytest.fixture
def counted_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has finished is counted some time after its state can be seen."""
    one_done = Mapped._one_done

    def late(self: Any, index: int, future: Any) -> None:
        time.sleep(0.05)
        one_done(self, index, future)

    monkeypatch.setattr(Mapped, "_one_done", late)


@pytest.mark.parametrize("wait", [lambda it: it.result(), lambda it: it.wait() and it.result(timeout=0)])
@pytest.mark.usefixtures("counted_late")
def test_calls_that_have_finished_are_waited_for_no_longer_though_nobody_has_counted_them(wait: Any) -> None:
    def maps() -> Any:
        futures = same.map([1, 2])
        while not all(future.is_done for future in futures):
            time.sleep(0.001)
        return wait(futures)

    assert in_flow(maps) == [1, 2]


@pytest.mark.slow
def test_the_values_of_a_mapped_generator_are_let_go_of() -> None:
    class Value:
        alive = 0

        def __init__(self) -> None:
            Value.alive += 1

        def __del__(self) -> None:
            Value.alive -= 1

    @task
    def make(_: int) -> Value:
        return Value()

    most = 0

    def maps() -> int:
        nonlocal most
        for future in make.map(number for number in range(14_000)):
            future.wait()
            most = max(most, Value.alive)
        return 1

    assert in_flow(maps) == 1
    assert most <= 10_000 + 2 * WINDOW  # a flow keeps the values of its first calls, in case it returns None


def test_a_mapped_generator_among_arguments_stands_for_its_values() -> None:
    @task
    def total(numbers: Any) -> int:
        return sum(numbers)

    def maps() -> Any:
        futures = same.map(x for x in range(4))
        return total.submit(futures).result(), futures.result()

    assert in_flow(maps) == (6, [0, 1, 2, 3])


def test_the_flows_own_exception_goes_before_one_of_a_mapped_iterable() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise RuntimeError("theirs")

    def maps() -> None:
        same.map(numbers())
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        in_flow(maps)


def test_a_failed_upstream_that_is_allowed_is_the_same_for_all_mapped_calls() -> None:
    @task
    def fails() -> list[int]:
        raise ValueError("no rows")

    @task
    def pair(x: int, y: object) -> tuple[int, str]:
        return x, repr(y)

    @flow
    def pairs() -> object:
        return pair.map([1, 2], allow_failure(fails.submit())).result(), pair.map(
            [3], y=allow_failure(fails(return_state=True))
        ).result()

    assert pairs() == ([(1, "ValueError('no rows')"), (2, "ValueError('no rows')")], [(3, "ValueError('no rows')")])
