"""`perdure flow-run` of runs whose process is gone"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import Perdure

from perdure import flow, session, settings, task
from perdure._platform.clock import system_clock
from perdure._platform.ids import new_id
from perdure._results.removal import needs_of
from perdure._run.process_identity import this_process
from perdure.records import FlowRunRecord, ProcessRecord, Record, ResultFilter, StartRecord, StateRecord, TaskRunRecord
from perdure.results import prune
from perdure.states import StateType

NEVER = 2**22 + 1  # a process number that Linux does not give


def lost(name: str, parent: str | None = None) -> str:
    """A flow run that runs, as far as the database knows, in a process that is not there."""
    id, now = new_id(), system_clock()
    process: ProcessRecord = this_process()._replace(id=new_id(), pid=NEVER)
    records: list[Record] = [
        process,
        FlowRunRecord(id, name, "nightly", None, parent, None, "[]", "{}", now),
        StateRecord(id, False, StateType.RUNNING, "Running", None, now),
    ]
    if parent is None:
        entry = json.dumps({"target": "nightly.py:nightly", "directory": "/"})
        records.append(StartRecord(id, process.id, entry, "json:{}", None))
    session.current().orchestrator.commit(records)
    return id


def documents(perdure: Perdure, *arguments: str) -> Any:
    return json.loads(perdure(*arguments, "--json").stdout)


def test_a_run_whose_process_is_gone_is_listed_as_lost(perdure: Perdure):
    flow(name="quick")(lambda: 1)()
    id = lost("monday")
    lost("child", parent=id)
    shown = perdure("flow-run", "ls").stdout
    assert "! Running (lost)  nightly  child" in shown
    assert "! Running (lost)  nightly  monday" in shown
    assert "Lost: its process has ended." in shown
    assert [run["is_lost"] for run in documents(perdure, "flow-run", "ls")] == [True, True, False]
    assert perdure("flow-run", "inspect", "monday").stdout.startswith("! Running (lost)  monday\n")
    assert documents(perdure, "flow-run", "inspect", "monday")["is_lost"] is True


def test_a_task_run_of_a_lost_flow_run_is_listed_and_drawn_as_lost(perdure: Perdure):
    id, now = lost("monday"), system_clock()
    task_id = new_id()
    session.current().orchestrator.commit(
        [
            TaskRunRecord(task_id, "load-0", "load", "load", id, None, "[]", now),
            StateRecord(task_id, True, StateType.RUNNING, "Running", None, now),
        ]
    )
    assert "! Running (lost)" in perdure("task-run", "ls", "--state", "running").stdout
    assert documents(perdure, "task-run", "ls")[0]["is_lost"] is True
    assert "── ! Running (lost)  load-0" in perdure("flow-run", "inspect", "monday").stdout


def test_a_run_that_still_runs_is_not_lost(perdure: Perdure):
    seen = []

    @flow
    def looks() -> None:
        seen.extend(documents(perdure, "flow-run", "ls"))

    looks()
    assert [(run["state"]["name"], run["is_lost"]) for run in seen] == [("Running", False)]


def test_a_dry_run_of_resume_lists_what_crashed_and_resumes_nothing(perdure: Perdure):
    lost("monday")
    assert "nightly  monday" in perdure("flow-run", "resume", "--crashed", "--dry-run").stdout
    (shown,) = documents(perdure, "flow-run", "resume", "--crashed", "--dry-run")
    assert (shown["name"], shown["error"]) == ("monday", None)
    assert documents(perdure, "flow-run", "ls")[0]["state"]["name"] == "Running"


def test_a_dry_run_of_resume_says_what_cannot_be_resumed(perdure: Perdure):
    id = lost("monday")
    known = session.current().orchestrator
    start = known.start(id)
    assert start is not None
    known.commit((start._replace(arguments=None),))
    ended = perdure("flow-run", "resume", "--crashed", "--dry-run")
    assert ended.stderr.startswith("monday could not be resumed. The arguments of the flow run")
    assert perdure("flow-run", "resume", "monday", "--dry-run").exit_code == 2


def test_an_abandoned_run_is_crashed_for_good_and_so_is_all_below_it(perdure: Perdure):
    id = lost("monday")
    lost("child", parent=id)
    assert perdure("flow-run", "abandon", "monday").stdout.startswith("Abandoned monday (nightly).\n")
    states = [run["state"] for run in documents(perdure, "flow-run", "ls")]
    assert [(state["type"], state["name"]) for state in states] == [("CRASHED", "Abandoned")] * 2
    assert perdure("flow-run", "resume", "--crashed").stdout == "No flow run has crashed.\n"
    ended = perdure("flow-run", "resume", "monday")
    assert (ended.exit_code, "was abandoned. Rerun it" in ended.stderr) == (1, True)
    assert perdure("flow-run", "abandon", "monday").exit_code == 0


def test_a_crashed_run_can_be_abandoned_too(perdure: Perdure):
    @flow(flow_run_name="stopped")
    def stops() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stops()
    assert perdure("flow-run", "abandon", "stopped").exit_code == 0
    assert documents(perdure, "flow-run", "ls")[0]["state"]["name"] == "Abandoned"


def test_prune_and_rm_keep_nothing_for_an_abandoned_run(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    @task(persist_result=True)
    def keep() -> list[int]:
        return [1]

    @flow(flow_run_name="stopped")
    def stops() -> None:
        keep()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stops()
    (record,) = session.current().orchestrator.results(ResultFilter(kinds=("persisted",)))
    assert len(needs_of(record)) == 1
    monkeypatch.setenv("PERDURE_RESULTS_RETENTION", "1 B")
    settings.reload()
    assert not prune(grace=0).freed
    assert perdure("flow-run", "abandon", "stopped").exit_code == 0
    assert needs_of(record) == ()
    assert [each.count for each in prune(grace=0).freed] == [1]


def test_what_has_ended_or_still_runs_is_not_abandoned(perdure: Perdure):
    said = []

    @flow(flow_run_name="today")
    def runs() -> int:
        said.append(perdure("flow-run", "abandon", "today").stderr)
        return 1

    runs()
    assert "still runs, in the process" in said[0]
    assert "is Completed: there is nothing to abandon." in perdure("flow-run", "abandon", "today").stderr


def test_abandon_of_a_name_that_several_runs_have_lists_their_ids(perdure: Perdure):
    ids = [lost("monday") for _ in range(2)]
    ended = perdure("flow-run", "abandon", "monday")
    assert ended.exit_code == 1
    assert all(id in ended.stderr for id in ids)


FILLS = """
import resource, signal, sys
from pathlib import Path

from perdure import flow, settings, task


@task
def step(number: int) -> int:
    return number


@flow(durable=True)
def fills() -> int:
    step(0)
    if "full" in sys.argv:
        home = Path(settings.current().home)
        size = max(file.stat().st_size for file in home.glob("perdure.db*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    return sum(step(number) for number in range(1, 100))


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    fills()
"""


@pytest.mark.slow
def test_a_run_whose_end_found_no_room_is_lost_and_continues_when_there_is_room(
    perdure: Perdure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fills.py"
    program.write_text(FILLS)
    session.close()
    ended = subprocess.run([sys.executable, program, "full"], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "The disk does not read or write" in ended.stderr
    assert "! Running (lost)  fills" in perdure("flow-run", "ls").stdout
    monkeypatch.setattr(sys, "path", list(sys.path))
    (run,) = documents(perdure, "flow-run", "ls")
    assert perdure("flow-run", "resume", run["id"]).exit_code == 0
    names = [state["name"] for state in documents(perdure, "flow-run", "inspect", run["id"])["states"]]
    assert names == ["Pending", "Running", "Crashed", "Resuming", "Resumed", "Completed"]
