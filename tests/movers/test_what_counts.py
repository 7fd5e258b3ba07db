"""Which tests count, and what a name that is not there does to a test."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import perdure
from tests.movers import prefect_names
from tests.movers.prefect_tests import _marked, _renamed
from tests.movers.public import TestFile, why_private

CODE = """
import anyio
import respx
from prefect import flow, task
from prefect.results import ResultFactory
from prefect.server import models
from prefect.states import Completed
from prefect.flows import Flow


def made():
    return models.Flow()


def public():
    @flow
    def mine():
        return Completed()

    assert mine().is_completed()


def by_helper():
    assert made()


def by_private_attribute():
    assert flow(lambda: 1)._run()


def by_other_librarys_private_attribute():
    assert anyio._core


def by_engines_object():
    assert ResultFactory


def by_import_inside():
    from prefect._internal import concurrency

    assert concurrency


def by_patching(monkeypatch):
    monkeypatch.setattr("prefect.flows.load_flow", None)


def by_patching_an_object(monkeypatch):
    monkeypatch.setattr(Flow, "name", None)


def by_parameter_of_a_name(flow):
    assert flow.name == flow.fn.__name__


class Together:
    def helper(self):
        return models

    def by_method(self):
        assert self.helper()

    def public(self):
        assert task
"""


@pytest.mark.parametrize(
    ("class_name", "name", "reason"),
    [
        (None, "public", None),
        (None, "by_helper", "prefect.server.models"),
        (None, "by_private_attribute", "._run"),
        (None, "by_other_librarys_private_attribute", None),
        (None, "by_engines_object", "prefect.results.ResultFactory"),
        (None, "by_import_inside", "prefect._internal"),
        (None, "by_patching", "patched prefect.flows.load_flow"),
        (None, "by_patching_an_object", "patched Flow"),
        (None, "by_parameter_of_a_name", None),
        ("Together", "by_method", "prefect.server.models"),
        ("Together", "public", None),
    ],
)
def test_a_test_counts_if_all_that_it_uses_is_public(
    tmp_path: Path, class_name: str | None, name: str, reason: str | None
) -> None:
    path = tmp_path / "test_theirs.py"
    path.write_text(CODE)
    why = why_private(TestFile(path).uses([(class_name, name)]))
    assert why is None if reason is None else (why or "").startswith(reason)


@pytest.fixture
def prefect_names_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "prefect"}
    for name in before:
        del sys.modules[name]
    monkeypatch.setattr(sys, "meta_path", [prefect_names.PrefectNames(), *sys.meta_path])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "prefect"]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.mark.usefixtures("prefect_names_only")
def test_names_are_those_of_perdure(monkeypatch: pytest.MonkeyPatch) -> None:
    prefect: Any = import_module("prefect")
    states: Any = import_module("prefect.states")
    assert isinstance(states, ModuleType)
    assert (prefect.flow, states.Completed) == (perdure.flow, perdure.states.Completed)
    assert (
        repr(import_module("prefect.settings").PREFECT_TASK_DEFAULT_RETRIES) == "<setting PERDURE_TASK_DEFAULT_RETRIES>"
    )
    lacking = states.NoSuchName
    assert isinstance(lacking(1, 2), prefect_names.Lacking), "while files are collected, it may be called"
    monkeypatch.setattr(prefect_names.Lacking, "collecting", False)
    with pytest.raises(prefect_names.LacksName, match=r"lacks prefect\.states\.NoSuchName"):
        lacking(1, 2)
    with pytest.raises(ImportError):
        exec("from prefect.states import NoOtherName", {})


def test_names_in_texts_are_perdures() -> None:
    code = """a = "prefect.flow_runs"; b = 'PREFECT_API_URL'; c == "prefect"; import prefect; d = "see prefect.io" """
    assert _renamed(code) == (
        """a = "perdure.flow_runs"; b = 'PERDURE_API_URL'; c == "perdure"; import prefect; d = "see prefect.io" """
    )


def test_each_mark_has_a_reason_and_is_there_once() -> None:
    marks = _marked()
    assert len(marks) > 50
    assert all(reason.endswith(".") and len(reason) > 30 for reason in marks.values())
    listed = [
        line.strip()
        for line in (Path(__file__).parent / "on_purpose.txt").read_text().splitlines()
        if line.startswith("  ")
    ]
    assert len(listed) == len(set(listed)) == len(marks)
