"""Decorators of other libraries above and below ours."""

import dataclasses
import functools
import sys
from typing import Any

import click
import pytest
import typer
from click.testing import CliRunner
from pydantic import PydanticUserError, ValidationError, validate_call
from typer.testing import CliRunner as TyperRunner

from perdure import flow, task
from perdure.records import RunFilter
from perdure.session import current


def names_of_runs() -> list[str]:
    return [run.flow_name for run in current().orchestrator.flow_runs(RunFilter())]


def test_a_command_of_click_above_a_flow_has_its_options_and_help() -> None:
    @click.command()
    @click.argument("number", type=int)
    @click.option("--name", default="Ann")
    @flow
    def report(number: int, name: str) -> None:
        """Print a report."""
        click.echo(f"{name}: {number * 2}")

    assert CliRunner().invoke(report, ["3", "--name", "Bob"]).stdout == "Bob: 6\n"
    assert "Print a report." in CliRunner().invoke(report, ["--help"]).output
    assert names_of_runs() == ["report"]


@pytest.mark.parametrize("decorator", [flow, task])
@pytest.mark.parametrize("kind", [click.command("report"), click.group("report")])
def test_a_flow_above_a_command_of_click_is_refused_where_it_is_defined(decorator: Any, kind: Any) -> None:
    with pytest.raises(TypeError, match=r"'report' is a command of click.*below `@click.command\(\)`"):
        decorator(kind(lambda: None))


def test_a_command_of_typer_above_a_flow_has_its_parameters() -> None:
    app = typer.Typer()

    @app.command()
    @flow
    def report(number: int, name: str = "Ann") -> None:
        """Print a report."""
        print(f"{name}: {number * 2}")

    assert TyperRunner().invoke(app, ["3", "--name", "Bob"]).stdout == "Bob: 6\n"
    assert "Print a report." in TyperRunner().invoke(app, ["--help"]).output


def test_a_function_that_validates_its_arguments_may_be_a_task_or_flow() -> None:
    @task
    @validate_call
    def double(number: int) -> int:
        return number * 2

    @flow
    @validate_call
    def report(number: int) -> list[int]:
        return [double("4"), double.submit("5").result(), number]  # type: ignore[arg-type]

    assert report("3") == [8, 10, 3]  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        double("x")  # type: ignore[arg-type]
    with pytest.raises(PydanticUserError, match="applied to functions"):
        validate_call(double)


def test_a_cached_function_is_computed_once_in_tasks_and_a_cached_task_runs_once() -> None:
    calls = []

    def costly(number: int) -> int:
        calls.append(number)
        return number

    below, above = task(functools.cache(costly)), functools.cache(task(costly))
    flow(lambda: [below(1), below(1), above(2), above(2)])()
    assert calls == [1, 2]
    assert [run.task_name for run in current().orchestrator.task_runs(RunFilter())] == ["costly"] * 3


def test_partials_wrappers_and_dispatchers_work_on_both_sides() -> None:
    @functools.singledispatch
    def kind(value: object) -> str:
        return "object"

    @kind.register
    def _(value: int) -> str:
        return "int"

    above = functools.singledispatch(task(lambda value: "object"))
    above.register(int, task(lambda value: "int"))
    below = task(kind)
    partial = functools.partial(below, 1)
    assert flow(lambda: [below(1), below("x"), above(1), above("x"), partial()])() == [
        "int",
        "object",
        "int",
        "object",
        "int",
    ]


# From Python 3.14 on, a dataclass with slots takes no property whose getter is anything but a plain function.
@dataclasses.dataclass(frozen=True, slots=sys.version_info < (3, 14))
class Shop:
    prices: tuple[int, ...]

    @task(persist_result=True)
    def total(self, count: int) -> int:
        return sum(self.prices) * count

    @property
    @task
    def dearest(self) -> int:
        return max(self.prices)

    @flow
    def bill(self) -> list[int]:
        return [self.total(1), self.total.submit(2).result(), *self.total.map([3]).result(), self.dearest]


@dataclasses.dataclass(frozen=True, slots=True)
class Stall:
    price: int

    @task(persist_result=True)
    def total(self, count: int) -> int:
        return self.price * count

    @flow
    def bill(self) -> list[int]:
        return [self.total(1), self.total.submit(2).result()]


def test_methods_of_dataclasses_are_tasks_and_flows() -> None:
    assert Stall(3).bill() == [3, 6]
    assert Shop((3, 4)).bill() == [7, 14, 21, 4]
