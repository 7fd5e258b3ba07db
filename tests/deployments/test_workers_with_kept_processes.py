"""What workers do, where processes run several runs: the same."""

import sys
from collections.abc import Iterator

import pytest

from perdure import session
from perdure._rooms.deployments.port import WorkPool
from perdure._worker.reused_processes import KeptProcesses, KeptRun
from tests.deployments.test_workers import (  # noqa: F401 - pytest finds them
    known,
    test_a_crashed_run_of_a_flow_that_resumes_is_resumed,
    test_a_program_that_cannot_be_loaded_ends_the_run_with_what_it_printed_without_secrets,
    test_a_run_is_begun_in_a_process_of_its_own_and_its_place_ends_with_it,
    test_a_run_is_cancelled_while_it_runs_and_its_process_is_gone,
    test_a_run_that_is_killed_is_crashed_at_once,
    test_a_run_that_suspends_itself_is_resumed_by_a_worker_each_time_it_is_continued,
    test_a_worker_that_is_to_end_lets_its_runs_end,
    test_no_more_runs_than_its_limit_run_at_once,
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")]


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pool whose processes run several runs; at least one is begun so."""
    begun: list[KeptRun] = []
    mine = session.current()
    mine.orchestrator.deployments.put_pool(
        WorkPool("default", "process", None, None, '{"runs_per_process": 100}', mine.clock())
    )
    start = KeptProcesses.start
    monkeypatch.setattr(KeptProcesses, "start", lambda *given: begun.append(made := start(*given)) or made)
    yield
    assert begun
    assert None not in begun
