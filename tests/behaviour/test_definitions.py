"""What can be a flow or task: functions, methods, lambdas, callable objects; names, versions and `with_options`."""

import functools
import pickle
from datetime import timedelta
from typing import Any

import pytest

from perdure import flow, task
from perdure.errors import DefinitionError


@task
def module_level(x: int) -> int:
    """Adds one."""
    return x + 1


class Shop:
    rate = 2

    def __init__(self, price: int = 10) -> None:
        self.price = price

    @task
    def total(self, count: int) -> int:
        return self.price * count

    @task
    @classmethod
    def of_class(cls, x: int) -> int:
        return cls.rate * x

    @classmethod
    @task
    def of_class_outside(cls, x: int) -> int:
        return cls.rate * x

    @task
    @staticmethod
    def static(x: int) -> int:
        return x

    @staticmethod
    @task
    def static_outside(x: int) -> int:
        return x

    @flow
    def sells(self, count: int) -> int:
        return self.total(count)

    @flow
    async def asells(self, count: int) -> int:
        return self.total(count)


class BigShop(Shop):
    rate = 3


def test_a_method_is_bound_to_its_instance() -> None:
    assert Shop(5).total(2) == 10
    assert Shop(5).total.submit(3).result() == 15
    assert Shop.total(Shop(1), 4) == 4


def test_a_method_can_be_a_flow() -> None:
    import asyncio

    assert Shop(5).sells(2) == 10
    assert asyncio.run(Shop(5).asells(3)) == 15


def test_a_class_method_gets_its_class() -> None:
    assert (Shop.of_class(1), BigShop.of_class(1), BigShop().of_class(2)) == (2, 3, 6)
    assert (Shop.of_class_outside(1), BigShop().of_class_outside(1)) == (2, 3)


def test_a_static_method_gets_nothing() -> None:
    assert (Shop.static(1), Shop().static(2), Shop.static_outside(3), Shop().static_outside(4)) == (1, 2, 3, 4)


def test_two_instances_do_not_share_their_binding() -> None:
    first, second = Shop(1).total, Shop(2).total

    assert (first(1), second(1)) == (1, 2)


def test_lambdas_partials_and_callable_objects_can_be_tasks() -> None:
    class Adds:
        def __call__(self, x: int) -> int:
            return x + 1

    assert task(lambda x: x)(1) == 1
    assert task(functools.partial(lambda x, y: x - y, 3))(1) == 2
    assert task(Adds())(1) == 2


def test_a_callable_object_may_be_a_coroutine_function() -> None:
    import asyncio

    class Adds:
        async def __call__(self, x: int) -> int:
            return x + 1

    async def main() -> Any:
        call: Any = task(Adds())
        return await call(1)

    assert asyncio.run(main()) == 2


def test_a_decorated_function_keeps_its_name_and_docstring() -> None:
    assert module_level.__name__ == "module_level"
    assert module_level.__doc__ == "Adds one."
    assert module_level.options.description == "Adds one."
    assert module_level.fn(1) == 2


def test_a_flows_version_is_a_digest_of_its_file_unless_it_is_given() -> None:
    @flow
    def unversioned() -> None: ...

    assert len(unversioned.version or "") == 32
    assert unversioned.with_options(version="7").version == "7"


def test_decorators_work_without_parentheses_with_and_with_options() -> None:
    for make in (flow, task):
        assert make(lambda: 1)() == 1
        assert make()(lambda: 1)() == 1
        assert make(name="named")(lambda: 1).name == "named"


def test_with_options_keeps_everything_that_it_was_not_to_change() -> None:
    def hook(*_: Any) -> None: ...

    original = task(
        name="original",
        description="d",
        tags=["a"],
        retries=3,
        retry_delay_seconds=[1, 2],
        retry_jitter_factor=0.1,
        timeout_seconds=9,
        result_serializer="json",
        result_storage_key="k",
        cache_key_fn=lambda: "k",
        cache_expiration=timedelta(1),
        task_run_name="r",
        on_completion=[hook],
        log_prints=True,
    )(lambda: 1)

    changed = original.with_options(name="changed")

    assert changed.name == "changed"
    assert original.name == "original"
    assert {**vars(changed.options), "name": ""} == {**vars(original.options), "name": ""}


def test_with_options_can_take_an_option_back() -> None:
    original = task(timeout_seconds=9, retries=2, retry_delay_seconds=4)(lambda: 1)

    changed = original.with_options(timeout_seconds=None, retries=0, retry_delay_seconds=None)

    assert (changed.options.timeout_seconds, changed.options.retries, changed.options.retry_delays) == (None, 0, ())


def test_with_options_leaves_the_original_alone() -> None:
    module_level.with_options(name="other")

    assert module_level.name == "module_level"


def test_with_options_on_a_bound_method_stays_bound() -> None:
    assert Shop(3).total.with_options(retries=1)(2) == 6


def test_a_task_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(module_level)) is module_level


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("run-{x}", "run-1"),
        ("{x:03d}", "001"),
        (lambda: "from a function", "from a function"),
        (lambda parameters: f"x is {parameters['x']}", "x is 1"),
    ],
)
def test_runs_are_named_by_templates_and_functions(template: Any, expected: str, known: Any) -> None:
    task(name="t", task_run_name=template)(lambda x: x)(1)
    flow(name="f", flow_run_name=template)(lambda x: x)(1)

    assert known.task_run("t").name == expected
    assert known.flow_run("f").name == expected


def test_a_template_that_names_a_missing_parameter_is_refused_with_the_nearest() -> None:
    with pytest.raises(DefinitionError, match=r"flow_run_name='\{dya\}' names 'dya'.*Did you mean 'day'\?"):
        flow(flow_run_name="{dya}")(lambda day: day)
    with pytest.raises(DefinitionError, match=r"task_run_name='\{dya\}' names 'dya'.*Did you mean 'day'\?"):
        task(task_run_name="{dya}")(lambda day: day)


def test_a_template_that_cannot_be_formatted_fails_the_run() -> None:
    for state in (
        flow(flow_run_name="{x:d}")(lambda x: x)("a", return_state=True),
        task(task_run_name="{x:d}")(lambda x: x)("a", return_state=True),
    ):
        assert state.is_failed()
        assert isinstance(state.result(raise_on_failure=False), ValueError)


def test_task_runs_are_numbered_in_their_flow(known: Any) -> None:
    @flow
    def calls() -> int:
        module_level(1)
        module_level(2)
        return 0

    calls()

    assert [run.name for run in known.task_runs("module_level")] == ["module_level-0", "module_level-1"]
