"""What waits while the server is away, and what does not."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from perdure._platform.ids import new_id
from perdure._store.remote.orchestrator import RemoteOrchestrator
from perdure.errors import OrchestratorUnreachable
from perdure.records import Claim, RunFilter
from perdure.testing._sample_records import block
from perdure.testing.server import serving
from tests.orchestrator.test_remote import address, begun, database, folder, known, port, spooled

__all__ = ["address", "database", "folder", "port"]

SOON = 10.0  # seconds, on a busy machine; patience is 30 unless a test says otherwise


def took(call: Callable[[], object]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def test_a_commit_is_on_disk_after_the_first_attempt(address: str, folder: Path) -> None:
    orchestrator = RemoteOrchestrator(address, folder)
    assert took(lambda: orchestrator.commit(begun())) < SOON
    assert spooled(folder)[0].stat().st_size > 0
    assert took(orchestrator.close) < SOON


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda it: it.cancellation(new_id()), id="cancellation"),
        pytest.param(lambda it: it.note_wait((new_id(), new_id()), 1), id="note_wait"),
        pytest.param(lambda it: it.has_block(new_id()), id="has_block"),
    ],
)
def test_what_is_asked_again_later_is_not_waited_for(
    ask: Callable[[RemoteOrchestrator], object], address: str, folder: Path
) -> None:
    orchestrator = RemoteOrchestrator(address, folder)
    orchestrator.commit(begun())
    assert took(lambda: ask(orchestrator)) < SOON
    orchestrator.close()


@pytest.mark.slow
def test_what_needs_an_answer_waits_for_it_and_says_so(
    address: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    orchestrator = RemoteOrchestrator(address, folder, patience_seconds=2)
    assert took(lambda: orchestrator.claim_key(Claim("key", new_id(), new_id(), 1))) >= 0.5
    assert "'claim_key' is waited for, up to 2 seconds" in caplog.text
    with pytest.raises(OrchestratorUnreachable):
        orchestrator.flow_runs(RunFilter())
    orchestrator.close()


@pytest.mark.slow
def test_a_process_that_ends_waits_for_a_server_that_it_knew(
    database: str, port: int, address: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    orchestrator = RemoteOrchestrator(address, folder)
    with serving(database, port):
        orchestrator.commit(first := begun())
    second = begun()
    assert took(lambda: orchestrator.commit(second)) < SOON
    ending = threading.Thread(target=orchestrator.close)
    ending.start()
    ending.join(0.5)
    assert ending.is_alive()
    with serving(database, port):
        ending.join(SOON)
    assert spooled(folder) == []
    assert known(database, port) == [(run[0].id, 2) for run in (second, first)]
    assert "This process waits for it, up to" in caplog.text


@pytest.mark.slow
def test_a_storage_that_is_used_without_a_name_keeps_the_name_it_was_saved_under(
    database: str, port: int, address: str, folder: Path
) -> None:
    saved = block("dev")
    with serving(database, port):
        orchestrator = RemoteOrchestrator(address, folder)
        orchestrator.commit([saved])
        orchestrator.commit([saved._replace(name=None)])
        assert orchestrator.blocks(name="dev") == [saved]
        orchestrator.close()


FLOW = """
from perdure import flow, task

@task(persist_result=True)
def one():
    return 1

@flow
def whole():
    return one.submit().result() + one()

print(whole())
"""


@pytest.mark.slow
def test_a_flow_and_then_a_list_end_soon_while_no_server_is_there(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_API_URL", address)
    monkeypatch.setenv("PERDURE_HOME", str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", FLOW], capture_output=True, text=True, timeout=20)
    assert (ran.stdout, ran.returncode) == ("2\n", 0)
    assert ran.stderr.count("Runs continue; their records are kept on this machine's disk") == 1
    listed = subprocess.run(
        [sys.executable, "-c", "from perdure.cli import main; main()", "flow-run", "ls"],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (listed.returncode, "does not answer" in listed.stderr) == (1, True)
    assert "Runs continue" not in listed.stderr
