"""Flows in Celery's workers: a prefork pool, whose processes are forked from one that has run flows itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perdure.records import RunFilter
from perdure.session import current

pytestmark = pytest.mark.slow

TASKS = """
import os
from celery import Celery
from perdure import flow, task

app = Celery("tasks", broker="filesystem://", backend=f"file://{os.getcwd()}/results")
app.conf.broker_transport_options = {
    "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control", "polling_interval": 0.05
}

@task
def double(number):
    return number * 2

@task
async def later(number):
    return number

@flow
def before(number: int):
    return double.submit(number).result()

@app.task
@flow(persist_result=True)
def report(number: int):
    return [double(number), double.submit(number).result(), *double.map([number]).result(), later(number)]

@app.task(bind=True)
@flow
def process(self):
    return os.getpid()

before(1)
"""
SEND = """
from tasks import process, report
asked = [report.delay(number) for number in range(6)] + [process.delay()]
print([each.get(timeout=40, interval=0.05) for each in asked[:6]] == [[2 * n, 2 * n, 2 * n, n] for n in range(6)])
print(asked[6].get(timeout=40, interval=0.05))
"""


def test_flows_run_in_the_processes_of_a_prefork_pool(tmp_path: Path) -> None:
    for name in ("queue", "control", "results"):
        (tmp_path / name).mkdir()
    (tmp_path / "tasks.py").write_text(TASKS)
    environment = os.environ | {"C_FORCE_ROOT": "1", "PERDURE_LOGGING_LEVEL": "ERROR"}
    worker = ["celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "ERROR"]
    with subprocess.Popen(
        [sys.executable, "-m", *worker], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            sent = subprocess.run(
                [sys.executable, "-c", SEND], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
            )
        finally:
            process.terminate()
            process.wait(30)
    assert sent.returncode == 0, sent.stderr
    right, worked_in = sent.stdout.split()
    assert right == "True"
    assert int(worked_in) != process.pid  # but in a process of the pool
    runs = current().orchestrator.flow_runs(RunFilter(of="report"))
    assert [run.state_name for run in runs] == ["Completed"] * 6
