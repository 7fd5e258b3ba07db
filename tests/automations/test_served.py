"""Automations by `serve`, on the embedded database: with nothing else to start."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from perdure import session
from perdure._model.state_types import FINAL
from perdure._rooms.automations.port import Automations, LogFilter
from perdure.automations import Automation, EventTrigger, RunDeployment
from perdure.deployments import run_deployment
from perdure.records import RunFilter
from perdure.results import get_result
from perdure.states import StateType
from tests.prepared import Prepared

pytestmark = pytest.mark.slow

PROGRAM = """\
from perdure import flow, serve
from perdure.automations import Automation, EventTrigger, RunDeployment


@flow
def extract(day: str) -> str:
    return day


@flow(persist_result=True)
def load(of: str, tags: list[str], title: str, rows: int = 7) -> str:
    return f"{title}: {of}, {tags}, {rows} rows"


@flow
def report(of: str) -> str:
    return of


if __name__ == "__main__":
    Automation(
        name="load-what-was-extracted",
        trigger=EventTrigger(expect="flow-run.completed", deployment="extract/days"),
        actions=[
            RunDeployment(
                deployment="load/days",
                parameters={"of": "{event.run.id}", "tags": "{event.run.tags}", "title": "{event.run.name} is ready"},
            )
        ],
    ).apply()
    serve(extract.to_deployment("days", tags=["raw"]), load.to_deployment("days"), report.to_deployment("days"))
"""


@contextmanager
def serving(file: Path) -> Iterator[None]:
    """A program that serves flows, until it is asked to end, which it does well."""
    process = Prepared(file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "Serving:\n"
        yield
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    finally:
        process.kill()


def until(find: Callable[[], Any]) -> Any:
    """What is found, once it is."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := find():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not come")


def ended(flow: str) -> list[Any]:
    runs = session.current().orchestrator.flow_runs(RunFilter(of=flow))
    return [*runs] if runs and all(run.state_type in FINAL for run in runs) else []


def test_the_end_of_a_served_run_starts_another_deployment_with_what_the_event_says(tmp_path: Path) -> None:
    file = tmp_path / "served.py"
    file.write_text(PROGRAM)
    with serving(file):
        # A second automation, which is made while it serves.
        Automation(
            name="report-what-was-loaded",
            trigger=EventTrigger(expect="flow-run.completed", deployment="load/days"),
            actions=[RunDeployment(deployment="report/days", parameters={"of": "{event.run.id}"})],
        ).apply()
        first = run_deployment("extract/days", {"day": "2026-01-01"}, flow_run_name="2026-01-01", timeout=0)
        (loaded,) = until(lambda: ended("load"))
        (reported,) = until(lambda: ended("report"))
        room = session.current().orchestrator.room(Automations)
        logs = {of.name: room.log(LogFilter(automation_id=of.id)) for of in room.all()}
    assert loaded.state_type is reported.state_type is StateType.COMPLETED
    assert get_result(loaded.id) == f"2026-01-01 is ready: {first.id}, ['raw'], 7 rows"
    assert "automation:load-what-was-extracted" in json.loads(loaded.tags)
    assert json.loads(reported.parameters) == {"of": loaded.id}
    assert {name: [line.outcome for line in lines].count("acts") for name, lines in logs.items()} == {
        "load-what-was-extracted": 1,
        "report-what-was-loaded": 1,
    }
