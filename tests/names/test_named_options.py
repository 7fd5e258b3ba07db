"""The options of flows and tasks by name, and classes that are called as the decorators."""

import pickle
from collections.abc import Callable
from datetime import timedelta
from inspect import signature
from typing import Any

import pytest

from perdure import Flow, Task, exponential_backoff, flow, task
from perdure.cache_policies import INPUTS
from perdure.errors import DefinitionError, ParameterBindError, ParameterTypeError
from perdure.filesystems import LocalFileSystem
from perdure.task_runners import ThreadTaskRunner

NOT_ATTRIBUTES = {"validate_parameters"}  # a method, of the same meaning as that of Prefect's flows


def add(x: int, y: int = 0) -> int:
    """Adds."""
    return x + y


def hook(*_: Any) -> None:
    pass


COMMON: dict[str, Any] = {
    "name": "add-up",
    "description": "adds",
    "version": "3",
    "tags": frozenset({"a"}),
    "step_id": "{x}",
    "retries": 2,
    "retry_delay_seconds": [1.0, 2.0],
    "timeout_seconds": 5.0,
    "persist_result": True,
    "result_storage": LocalFileSystem(basepath="results"),
    "cache_result_in_memory": False,
    "log_prints": True,
}
HOOKS = ("on_running", "on_completion", "on_failure", "on_cancellation", "on_crashed")


@pytest.mark.parametrize(
    ("decorate", "more"),
    [
        (flow, {"flow_run_name": "run-{x}", "durable": True, "task_runner": ThreadTaskRunner()}),
        (
            task,
            {
                "task_run_name": "run-{x}",
                "cache_key_fn": hook,
                "cache_expiration": timedelta(1),
                "refresh_cache": True,
                "retry_jitter_factor": 0.5,
                "retry_condition_fn": hook,
                "result_storage_key": "{parameters[x]}",
            },
        ),
    ],
)
def test_options_are_read_as_they_were_given(decorate: Any, more: dict[str, Any]) -> None:
    given = COMMON | more
    made = decorate(**given)(add)
    assert {name: getattr(made, name) for name in given} == given
    assert made.fn is add
    assert not made.isasync


@pytest.mark.parametrize("decorate", [flow, task])
def test_each_option_of_a_decorator_is_an_attribute(decorate: Any) -> None:
    names = {each for each in signature(decorate).parameters if each not in ("function", "options")}
    kinds = Flow if decorate is flow else Task
    from perdure._execution.option_checks import _COMMON, _OF_FLOWS, _OF_TASKS

    names |= {*_COMMON, *(_OF_FLOWS if decorate is flow else _OF_TASKS)}
    hooks = {each for each in names if each.startswith("on_") and each != "on_crash"}
    plain = names - hooks - NOT_ATTRIBUTES
    lacking = [name for name in plain if not isinstance(getattr(kinds, name, None), property)]
    assert lacking == []
    assert [name for name in hooks if not isinstance(getattr(kinds, f"{name}_hooks", None), property)] == []


def test_hooks_are_listed_with_those_that_were_added_later() -> None:
    made = task(**{name: [hook] for name in HOOKS})(add)
    later = made.on_failure(lambda *_: None)
    assert made.on_failure_hooks == [hook, later]
    assert [getattr(made, f"{name}_hooks") for name in HOOKS if name != "on_failure"] == [[hook]] * 4


@pytest.mark.parametrize("kind", [Flow, Task])
def test_options_are_not_changed_by_setting_them(kind: Any) -> None:
    made = kind(add)
    with pytest.raises(AttributeError, match="retries"):
        made.retries = 3
    assert made.with_options(retries=3).retries == 3


def test_delays_that_a_function_made_are_read_as_a_list() -> None:
    made = task(retries=3, retry_delay_seconds=exponential_backoff(2))(add)
    assert made.retry_delay_seconds == [2, 4, 8]


def test_an_attribute_of_the_plain_function_does_not_hide_an_option() -> None:
    def marked() -> None:
        pass

    marked.retries = 7  # type: ignore[attr-defined]
    assert task(marked).retries == 0


@pytest.mark.parametrize(("kind", "call"), [(Flow, lambda made: made(1, y=2)), (Task, lambda made: made(1, 2))])
def test_a_class_is_called_as_its_decorator(kind: Any, call: Callable[[Any], Any]) -> None:
    made = kind(fn=add, name="sum", retries=1)
    assert (made.name, made.retries, made.description) == ("sum", 1, "Adds.")
    assert kind(add).name == "add"
    assert call(made) == 3
    with pytest.raises(DefinitionError, match="retries=-1"):
        kind(fn=add, retries=-1)
    with pytest.raises(TypeError, match="decorates functions"):
        kind(fn=3)


DEFINED: Any = Task(fn=add, name="defined")


def test_what_a_class_made_is_found_in_other_processes() -> None:
    assert pickle.loads(pickle.dumps(DEFINED))(1, 2) == 3


def test_parameters_are_validated_without_a_run() -> None:
    made = flow(add)
    assert made.validate_parameters({"x": "1"}) == {"x": 1, "y": 0}
    with pytest.raises(ParameterTypeError):
        made.validate_parameters({"x": "one"})
    with pytest.raises(ParameterBindError):
        made.validate_parameters({"z": 1})


def test_policies_are_read_as_they_were_given() -> None:
    assert task(cache_policy=INPUTS)(add).cache_policy.parts == INPUTS.parts
