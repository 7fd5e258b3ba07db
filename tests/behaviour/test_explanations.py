"""Why a run called its function, or did not: one flow for each verdict."""

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from perdure import INPUTS, State, flow, session, settings, task
from perdure._platform.clock import system_clock
from perdure.errors import RunMissing
from perdure.explanation import Explanation, explain
from perdure.records import CacheFilter, RemovalRecord, RunFilter


@task(cache_policy=INPUTS)
def load(day: str, rows: int = 3) -> list[str]:
    return [day] * rows


def state_of(call: Any, *args: Any, **options: Any) -> State[Any]:
    state = call(*args, return_state=True, **options)
    assert isinstance(state, State)
    return state


def component(answer: Explanation, name: str, of: str = "cache key") -> Any:
    return next(each for each in answer.components if each.name == name and each.of == of)


def newest(name: str) -> Explanation:
    """The explanation of the newest run of a task."""
    return explain(session.current().orchestrator.task_runs(RunFilter(of=name, limit=1))[0].id)


# It was not run


def test_a_cached_run_names_the_run_that_made_its_result() -> None:
    maker = state_of(load, "monday")
    answer = explain(state_of(load, "monday"))
    assert (answer.ran, answer.reason) == (False, "cached")
    assert answer.used is not None
    assert answer.used.id == maker.run_id
    assert "took the result of load-0" in answer.verdict
    assert not any(each.differs for each in answer.components)
    assert component(answer, "argument day").shown == '"monday"'


def test_a_run_that_waited_says_for_which_one() -> None:
    begun, go = threading.Event(), threading.Event()

    @task(cache_policy=INPUTS)
    def slow(x: int) -> int:
        begun.set()
        go.wait(60)
        return x

    @flow
    def both() -> list[State[int]]:
        first = slow.submit(1)
        begun.wait(60)
        second = slow.submit(1)
        threading.Timer(0.05, go.set).start()
        return [first.wait(), second.wait()]  # type: ignore[list-item]

    states = both(return_state=True).data
    answer = newest("slow")
    assert states is not None
    assert answer.reason == "waited"
    assert answer.used is not None
    assert answer.used.id != answer.run.id
    assert "it waited for slow-0" in answer.verdict


def test_a_run_whose_input_failed_names_that() -> None:
    @task
    def extract() -> int:
        raise ValueError("no rows")

    @task
    def total(rows: int) -> int:
        return rows

    @flow
    def pipeline() -> list[Any]:
        return [total(extract(return_state=True), return_state=True)]  # type: ignore[arg-type]

    pipeline(return_state=True)
    answer = newest("total")
    assert (answer.ran, answer.reason) == (False, "not ready")
    assert "extract-0" in answer.verdict
    assert [name for name, _ in answer.sources] == ["rows"]


RESUMED = """
import os, sys
from perdure import flow, task
from perdure.records import RunFilter
from perdure.explanation import explain
from perdure import session

@task
def load(day): return [day]

@task
def total(rows):
    if not os.path.exists("died"):
        open("died", "w").close()
        session.current().orchestrator.flush()
        os.kill(os.getpid(), 9)
    return [rows]

@task
def fails(): raise ValueError("as always")

@flow(durable=True)
def report():
    fails(return_state=True)
    return total(load("monday"))

if sys.argv[1] == "begin":
    report()
(run,) = session.current().orchestrator.flow_runs(RunFilter(of="report"))
report.resume(run.id)
for name in ("load", "total", "fails"):
    answer = explain(session.current().orchestrator.task_runs(RunFilter(of=name, limit=1))[0].id)
    print(answer.ran, answer.reason, answer.verdict, sep=" | ")
"""


@pytest.mark.slow
def test_a_resumed_flow_says_what_it_had_finished_and_what_had_not_been_committed(tmp_path: Path) -> None:
    program = tmp_path / "report.py"
    program.write_text(textwrap.dedent(RESUMED), encoding="utf-8")

    def run(what: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, program.name, what]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    assert run("begin").returncode == -9
    resumed = run("resume")
    assert resumed.returncode == 0, resumed.stderr
    loaded, totalled, failed = resumed.stdout.splitlines()
    assert loaded.startswith("True | ")
    assert "When its flow run was resumed after a crash" in loaded
    assert loaded.endswith("it did not run again.")
    assert totalled.startswith("True | not committed | It ran because its flow run was resumed after it had stopped")
    assert "total-0" in totalled
    assert "is Crashed" in totalled
    assert failed.startswith("False | reused | It did not run: it had failed before")


# It ran, with a cache


def test_the_first_run_is_new() -> None:
    answer = explain(state_of(load, "monday"))
    assert (answer.ran, answer.reason, answer.nearest) == (True, "new", None)
    assert "no earlier run of the task is recorded" in answer.verdict


def test_a_changed_argument_is_named_with_its_values() -> None:
    state_of(load, "monday", 4)
    nearest = state_of(load, "tuesday", 3)
    state_of(load, "sunday", 5)
    answer = explain(state_of(load, "monday", 3))
    assert answer.reason == "changed"
    assert answer.nearest is not None
    assert answer.nearest.id == nearest.run_id  # as near as the first run, but newer
    assert 'argument `day` ("tuesday" → "monday")' in answer.verdict
    assert component(answer, "argument day").differs
    assert not component(answer, "argument rows").differs


def test_a_secret_argument_is_not_shown() -> None:
    @task(cache_policy=INPUTS)
    def log_in(password: str) -> list[int]:
        return [1]

    state_of(log_in, "correct horse")
    answer = explain(state_of(log_in, "battery staple"))
    assert component(answer, "argument password").text == "**********"
    assert component(answer, "argument password").text_before == "another value"
    assert "horse" not in str(answer)
    assert "battery" not in str(answer)


def test_arguments_are_not_shown_where_previews_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_RESULTS_PREVIEWS", "false")
    settings.reload()
    answer = explain(state_of(load, "monday"))
    assert component(answer, "argument day").shown is None
    assert "monday" not in str(answer)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs `work` of a script of the given text, and explains the run."""
    monkeypatch.syspath_prepend(tmp_path)
    count = iter(range(100))

    def run(text: str) -> Explanation:
        import importlib

        path = tmp_path / "work_module.py"
        path.write_text("# " * next(count) + "\nfrom perdure import DEFAULT, task\n" + textwrap.dedent(text))
        sys.modules.pop("work_module", None)
        importlib.invalidate_caches()
        found = importlib.import_module("work_module")
        return explain(state_of(found.work, 1))

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield run
    sys.modules.pop("work_module", None)


SOURCE = """
RATE = {rate}

def helper(x):
    return x {sign} 1

def made(factor):
    @task(cache_policy=DEFAULT)
    def work(x):
        return [helper(x) * RATE * factor{more}]
    return work

work = made({factor})
"""


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"more": " + 0"}, "its own code changed"),
        ({"sign": "-"}, "the function work_module.helper changed"),
        ({"rate": "3"}, "work_module.RATE changed"),
        ({"factor": "7"}, "the closure's factor changed"),
    ],
)
def test_a_changed_part_of_the_source_is_named(module: Any, change: dict[str, str], part: str) -> None:
    before = {"rate": "2", "sign": "+", "factor": "5", "more": ""}
    module(SOURCE.format(**before))
    answer = module(SOURCE.format(**before | change))
    assert (answer.reason, answer.changes) == ("changed", (part,))
    assert part in answer.verdict


def test_a_helper_more_is_new_and_changes_nothing_else(module: Any) -> None:
    module("def b(x): return x\n@task(cache_policy=DEFAULT)\ndef work(x): return [b(x)]")
    answer = module(
        "def b(x): return a(x)\ndef a(x): return x\n@task(cache_policy=DEFAULT)\ndef work(x): return [b(x)]"
    )
    assert answer.changes == ("the function work_module.b changed", "the function work_module.a is new")


def test_an_expired_result_is_named_with_its_time() -> None:
    short = load.with_options(cache_expiration=timedelta(microseconds=1))
    maker = state_of(short, "monday")
    answer = explain(state_of(short, "monday"))
    assert answer.reason == "expired"
    assert "the cached result of load-0" in answer.verdict
    assert answer.nearest is not None
    assert answer.nearest.id == maker.run_id
    assert answer.expires is not None


def test_a_removed_result_is_named_with_its_time() -> None:
    maker = state_of(load, "monday")
    session.current().orchestrator.commit([RemovalRecord(str(maker.run_id), system_clock(), None)])
    answer = explain(state_of(load, "monday"))
    assert answer.reason == "removed"
    assert "was removed on" in answer.verdict


@pytest.mark.parametrize("damage", ["missing", "corrupt"])
def test_a_lost_result_is_named_with_what_is_wrong(damage: str) -> None:
    data: Any = state_of(load, "monday").data
    if damage == "missing":
        data.storage.delete(data.storage_key)
    else:
        data.storage.write(data.storage_key, b"{}")
    answer = explain(state_of(load, "monday"))
    assert answer.reason == "lost"
    assert "the result of load-0" in answer.verdict
    assert data.storage_key in answer.verdict


def test_a_key_that_was_cleared_is_said_to_be_forgotten() -> None:
    state_of(load, "monday")
    session.current().orchestrator.clear_cache(CacheFilter())
    answer = explain(state_of(load, "monday"))
    assert answer.reason == "forgotten"
    assert "perdure cache clear" in answer.verdict


def test_a_refreshed_run_says_so() -> None:
    state_of(load, "monday")
    assert explain(state_of(load.with_options(refresh_cache=True), "monday")).reason == "refreshed"


def test_a_failure_before_is_named() -> None:
    attempts = []

    @task(cache_policy=INPUTS)
    def flaky(x: int) -> list[int]:
        attempts.append(x)
        if len(attempts) == 1:
            raise ValueError("not yet")
        return [x]

    state_of(flaky, 1)
    answer = explain(state_of(flaky, 1))
    assert answer.reason == "failed before"
    assert "flaky-0" in answer.verdict
    assert "is Failed" in answer.verdict


def test_a_run_without_a_key_says_so() -> None:
    assert explain(state_of(load.with_options(cache_policy=None, cache_key_fn=lambda: None), "a")).reason == "no key"


def test_of_a_key_function_it_is_not_known_what_the_key_was_made_of() -> None:
    keyed = load.with_options(cache_policy=None, cache_key_fn=lambda parameters: parameters["day"])
    state_of(keyed, "monday")
    answer = explain(state_of(keyed, "tuesday"))
    assert answer.reason == "new"
    assert answer.cache_key == "tuesday"
    assert answer.unknown == ("Its cache key comes from a function, or is an older one: its components are not known.",)


def test_a_run_inside_a_run_of_the_same_key_is_computed_beside_it() -> None:
    @task(cache_policy=None, cache_key_fn=lambda: "same")
    def outer(depth: int) -> list[int]:
        return outer(depth - 1) if depth else [depth]

    outer(1)
    answer = newest("outer")
    assert answer.reason == "concurrent"


# It ran, without a cache


def test_a_run_whose_result_is_not_kept_says_which_option_would() -> None:
    @task
    def plain(x: list[int]) -> list[int]:
        return x

    answer = explain(state_of(plain, [1]))
    assert answer.reason == "not persisted"
    assert answer.advice is not None
    assert "persist_result=True" in answer.advice


def test_a_persisted_run_without_a_cache_says_for_what_it_is_kept() -> None:
    @task(persist_result=True)
    def kept(x: int) -> list[int]:
        return [x]

    @flow
    def pipeline() -> None:
        kept(1)

    pipeline()
    pipeline()
    answer = newest("kept")
    assert answer.reason == "no cache"
    assert not component(answer, "argument x", "identity").differs


def test_a_flow_that_is_tried_again_says_what_had_no_result() -> None:
    attempts = []

    @task
    def flaky() -> list[int]:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("not yet")
        return [1]

    @flow(retries=1)
    def pipeline() -> Any:
        return flaky()

    pipeline()
    answer = newest("flaky")
    assert answer.reason == "not committed"
    assert "its flow run was retried" in answer.verdict
    assert "flaky-0" in answer.verdict
    assert "is Failed" in answer.verdict


def test_a_flow_run_is_explained_too() -> None:
    @flow(persist_result=True)
    def inner(day: str) -> list[str]:
        return [day]

    @flow
    def outer(day: str) -> None:
        inner(day)

    outer("monday")
    outer("tuesday")
    runs = session.current().orchestrator.flow_runs(RunFilter(limit=2))
    within, above = sorted(runs, key=lambda run: run.flow_name)
    assert explain(above.id).reason == "called"
    answer = explain(within.id)
    assert answer.reason == "no cache"
    assert component(answer, "argument day", "identity").shown_before == '"monday"'


# What is logged


def test_the_log_says_in_short_whether_a_run_was_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_LOGGING_LEVEL", "DEBUG")
    settings.reload()
    maker = str(state_of(load, "monday").run_id)
    taker = str(state_of(load, "monday").run_id)
    known = session.current().orchestrator
    assert [line.message for line in known.logs(task_run_id=maker)] == [
        "Computed: nothing in the cache can be used for it."
    ]
    assert [line.message for line in known.logs(task_run_id=taker)] == [
        f"Cached: the result is that of the run {maker}."
    ]


# What is asked for


def test_a_state_a_future_or_an_id_says_which_run() -> None:
    @flow
    def pipeline() -> list[str]:
        future = load.submit("monday")
        future.wait()
        return [explain(future).run.id]

    assert explain(pipeline()[0]).run.id == newest("load").run.id
    with pytest.raises(RunMissing, match="made by hand"):
        explain(State(next(iter(type(state_of(load, "monday").type)))))


def test_it_can_be_read() -> None:
    state_of(load, "monday")
    text = str(explain(state_of(load, "tuesday")))
    assert "It ran because its argument `day`" in text
    assert 'argument day   "tuesday"' in text
    assert 'was "monday"' in text
    assert json.dumps("rows") not in text


def test_a_failed_call_is_known_by_what_it_was_given_though_it_has_no_cache() -> None:
    @task
    def parse(row: dict[str, Any], password: str = "hidden") -> int:
        return 10 // row["n"]

    @flow
    def parses() -> None:
        parse.map([{"n": 1}, {"n": 0}]).wait()

    parses(return_state=True)
    known = session.current().orchestrator
    failed, fine = sorted(known.task_runs(RunFilter()), key=lambda run: run.state_name != "Failed")
    shown = {each.name: each.shown for each in explain(failed.id).components}
    assert shown == {"argument row": '{"n": 0}', "argument password": "**********"}
    assert explain(fine.id).components == ()
