"""What tasks in processes of their own have of the program: its modules, its runs, its exceptions."""

import importlib
import importlib.util
import pickle
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import pytest

from perdure import flow, session, task
from perdure.errors import SerializationError
from perdure.records import LogFilter
from perdure.runtime import flow_run, task_run
from perdure.task_runners import ProcessTaskRunner

ONE = ProcessTaskRunner(max_workers=1)


class Own(Exception):
    """Has what cannot be pickled."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


@task
def load() -> None:
    try:
        raise FileNotFoundError("the cause")
    except OSError as error:
        raise RuntimeError("cannot load") from error


@task
def query() -> None:
    raise Own("db said no")


def is_own(_: Any, __: Any, state: Any) -> bool:
    return isinstance(state.data.get(), Own)


@task(retries=1, retry_condition_fn=is_own)
def tried_again() -> int:
    if task_run.run_count < 2:
        raise Own("not yet")
    return task_run.run_count


@pytest.mark.slow
def test_exceptions_of_processes_have_their_classes_causes_and_tracebacks() -> None:
    seen: list[Any] = []

    @flow(task_runner=ONE)
    def nightly() -> int:
        try:
            load.submit().result()
        except RuntimeError as error:
            seen.append(error)
        state = query.submit().wait()
        seen.extend((state, state.data.get()))
        seen.append(tried_again.submit().result())
        return 1

    nightly()
    loaded, state, own, count = seen
    assert isinstance(loaded.__cause__, FileNotFoundError)
    assert "in load" in "".join(traceback.format_exception(loaded))
    assert state.is_failed()
    assert state.message == "Task run encountered an exception Own: db said no"
    assert isinstance(own, Own)
    assert any("in query" in note for note in own.__notes__)
    assert count == 2


@task(log_prints=True)
def prints() -> list[Any]:
    print("printed in a process")
    return [task_run.name, flow_run.name]


@pytest.mark.slow
def test_prints_are_logged_and_the_runtime_is_that_of_the_process() -> None:
    @flow(task_runner=ONE, flow_run_name="printing")
    def printing() -> Any:
        return prints.submit().result()

    assert printing() == ["prints-0", "printing"]
    lines = session.current().orchestrator.log_lines(LogFilter())
    assert "printed in a process" in [line.message for line in lines]


SOURCE = """
from perdure import flow, task
from perdure.task_runners import ProcessTaskRunner

class Seven:
    value = 7

@task
def double(n):
    return 2 * n.value

@flow(task_runner=ProcessTaskRunner(max_workers=1))
def doubled():
    return double.submit(Seven()).result()
"""


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "jobs_of_test.py"
    sys.modules.pop("jobs_of_test", None)
    sys.modules.pop("plugin_of_test", None)


@pytest.mark.slow
def test_a_module_that_was_loaded_by_its_path_goes_along(jobs: Path) -> None:
    jobs.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("plugin_of_test", jobs)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["plugin_of_test"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.doubled() == 14


@pytest.mark.slow
@pytest.mark.timeout(30)
def test_a_flow_may_be_called_while_its_module_is_imported(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.write_text(f"{SOURCE}\nRESULT = doubled()\n")
    monkeypatch.syspath_prepend(jobs.parent)
    assert importlib.import_module("jobs_of_test").RESULT == 14


class Elsewhere:
    """Needs a module that only this process has."""

    def __reduce__(self) -> Any:
        return importlib.import_module, ("a_module_that_is_not_there",)


@task
def takes(value: Any) -> Any:
    return value


@pytest.mark.slow
def test_what_a_process_cannot_import_is_named() -> None:
    @flow(task_runner=ONE)
    def sending() -> Any:
        return takes.submit(Elsewhere()).wait(), takes.submit(1).result()

    state, one = sending()
    assert isinstance(state.data.get(), SerializationError)
    assert "No module named 'a_module_that_is_not_there'" in state.message
    assert one == 1  # the process is there for the next task


@flow
def one_more(n: int) -> int:
    return n + 1


@pytest.mark.parametrize("definition", [one_more, takes])
def test_tasks_and_flows_are_pickled_by_their_names(definition: Any) -> None:
    assert pickle.loads(pickle.dumps(definition)) is definition
    assert cloudpickle.loads(cloudpickle.dumps(definition)) is definition


def test_a_main_program_pickles_by_name_and_cloudpickles_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    exec("from perdure import task\n@task\ndef double(n): return 2 * n\n", vars(main))
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert pickle.loads(pickle.dumps(main.double)) is main.double
    copy = cloudpickle.loads(cloudpickle.dumps(main.double))
    assert copy is not main.double
    assert copy(2) == 4


def test_a_copy_with_other_options_is_not_taken_for_the_original() -> None:
    other = takes.with_options(name="other")
    assert cloudpickle.loads(cloudpickle.dumps(other)).name == "other"


@pytest.mark.slow
def test_pools_of_the_standard_library_take_flows() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(one_more, [1, 2])) == [2, 3]
