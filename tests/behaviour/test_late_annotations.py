"""Annotations without quotes whose names are not there at run time, or only later: since Python 3.14 nobody asks."""

import importlib
import logging
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from perdure import session
from perdure._engine.identity.source import digests_of_source
from perdure._serializers.references import definition_of
from perdure.records import RunFilter

late = pytest.mark.skipif(sys.version_info < (3, 14), reason="names in annotations are evaluated at once")

START = """
    from typing import TYPE_CHECKING, NamedTuple
    from perdure import flow, task, transaction
    if TYPE_CHECKING:
        from decimal import Decimal
        from collections.abc import Mapping
"""


def run(text: str) -> dict[str, Any]:
    """What a program leaves."""
    names: dict[str, Any] = {"__name__": "late"}
    exec(textwrap.dedent(START) + textwrap.dedent(text), names)
    return names


@late
def test_a_flow_is_defined_and_its_other_parameters_are_validated(caplog: pytest.LogCaptureFixture) -> None:
    program = run("""
    @flow
    def prices(n: int, price: Decimal | None = None, many: list[Decimal] = []) -> Decimal:
        return n, price
    """)
    with caplog.at_level(logging.WARNING):
        assert program["prices"]("3", "x") == (3, "x")
    said = [each for each in caplog.messages if "not validated" in each]
    assert [each.partition(" cannot be had")[0].rpartition("type hint ")[2] for each in said] == [
        "Decimal | None",
        "list[Decimal]",
    ]


@late
def test_a_class_that_is_defined_below_the_flow_is_its_hint() -> None:
    program = run("""
    @flow
    def reads(size: Size) -> int:
        return size.rows

    class Size(NamedTuple):
        rows: int
    """)
    assert program["reads"](["7"]) == 7


@late
def test_functions_that_a_run_calls_take_what_they_take_anywhere() -> None:
    program = run("""
    called = []

    def key(context, parameters: Mapping[str, Decimal]) -> Decimal:
        return str(parameters)

    def name(parameters: Mapping[str, Decimal]) -> Decimal:
        return f"named {parameters['n']}"

    def hook(task, task_run, state: Decimal) -> None:
        called.append("completed")

    @task(cache_key_fn=key, task_run_name=name, on_completion=[hook])
    def step(n: Decimal) -> Decimal:
        return n

    @step.on_commit
    def committed(txn: Decimal) -> None:
        called.append("committed")

    @flow
    def calls() -> Decimal:
        with transaction():
            return step(3)
    """)
    assert program["calls"]() == 3
    assert program["called"] == ["completed", "committed"]
    (made,) = session.current().orchestrator.task_runs(RunFilter())
    assert made.name == "named 3"


@late
def test_a_class_whose_fields_have_other_types_is_another_one() -> None:
    kinds = [run(f"class Row:\n    n: {kind}")["Row"] for kind in ("int", "str", "Decimal", "int")]
    digests = [definition_of(each) for each in kinds]
    assert digests[0] == digests[3]
    assert len(set(digests)) == 3


def test_the_source_of_an_annotated_class_counts_as_with_earlier_pythons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        class Foo:
            n: int = 1

        class Bar:
            foo: Foo

            def scaled(self, x: Foo) -> Foo:
                return self.foo

        def job(x):
            return Bar().scaled(x)
    """
    (tmp_path / "annotated_for_test.py").write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    of_311 = (
        "292ef5e817e27bd17db44fd904543cdb5cbe39cf4229db3df8c69014dec03bbb",
        "428924a45ced0489437021932f1cd985f93fffa558b59e7ba7599f8fc315eeea",
    )
    assert digests_of_source(importlib.import_module("annotated_for_test").job) == of_311
