"""What becomes of what a flow tells while its server is there, away, back again, or another one."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure._engine.recovery.run_claims import standing_of
from perdure._platform.ids import new_id
from perdure._run.process_identity import this_process
from perdure._store import wire
from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.protocol import Orchestrator
from perdure._store.remote.orchestrator import RemoteOrchestrator
from perdure.errors import OrchestratorError, OrchestratorUnreachable, ProtocolMismatch
from perdure.records import Claim, FlowRunRecord, LogRecord, RunFilter, StartRecord, StateRecord
from perdure.states import StateType as S
from perdure.testing._places_conformance import LEASE, NOW, PlacesConformance, worker
from perdure.testing._sample_records import FIRST, block, flow_run, ids, state, task_run
from perdure.testing.server import serving
from tests.server.serving import serving as rated

pytestmark = pytest.mark.slow


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def database(tmp_path: Path) -> str:
    return str(tmp_path / "perdure.db")


@pytest.fixture
def address(port: int) -> str:
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where what cannot be delivered is kept."""
    return tmp_path / "spool"


def connected(address: str, folder: Path, **options: Any) -> RemoteOrchestrator:
    """An orchestrator that is not patient."""
    return RemoteOrchestrator(address, folder, **{"patience_seconds": 0.1, **options})


def known(database: str, port: int) -> list[tuple[str, int]]:
    """Which flow runs a server knows, newest first, and how many states each of them has had."""
    with serving(database, port) as address:
        asked = RemoteOrchestrator(address, Path(database).parent / "asked")
        found = [(run.id, len(asked.states(run.id))) for run in asked.flow_runs(RunFilter())]
        asked.close()
    return found


def spooled(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def begun() -> tuple[FlowRunRecord, StateRecord, StateRecord]:
    run = flow_run()
    return run, state(run, S.PENDING), state(run, S.RUNNING)


def test_what_is_reported_while_the_server_is_away_is_delivered_once_and_in_order(
    database: str, port: int, address: str, folder: Path
) -> None:
    reported = [begun() for _ in range(3)]
    orchestrator = connected(address, folder)
    for each in reported:
        orchestrator.commit(each)
    orchestrator.report([state(reported[0][0], S.COMPLETED)])
    assert len(spooled(folder)) == 1
    with serving(database, port):
        asked = orchestrator.flow_runs(RunFilter())
        assert [(run.id, run.state_type) for run in asked][-1] == (reported[0][0].id, S.COMPLETED)
        orchestrator.close()
    assert spooled(folder) == []
    assert known(database, port) == [(each[0].id, 2 + (each is reported[0])) for each in reversed(reported)]


def test_what_a_process_left_behind_is_delivered_by_the_next_one(
    database: str, port: int, address: str, folder: Path
) -> None:
    left = begun()
    gone = connected(address, folder)
    gone.commit(left)
    gone.close()
    assert len(spooled(folder)) == 1
    with serving(database, port):
        connected(address, folder).close()
    assert spooled(folder) == []
    assert known(database, port) == [(left[0].id, 2)]


def test_what_a_process_still_has_is_left_to_it(address: str, folder: Path) -> None:
    first, second = connected(address, folder), connected(address, folder)
    first.commit(begun())
    second.commit(begun())
    third = connected(address, folder)
    assert third._sender.undelivered == 0
    for each in (first, second, third):
        each.close()


def test_a_killed_process_loses_nothing_that_it_committed(database: str, port: int, address: str, folder: Path) -> None:
    killed = (
        "import os, sys; from pathlib import Path; from perdure._store.remote.orchestrator import RemoteOrchestrator;"
        "from tests.orchestrator.test_remote import begun;"
        "reported = RemoteOrchestrator(sys.argv[1], Path(sys.argv[2]), patience_seconds=0.1); run = begun();"
        "reported.commit(run); print(run[0].id, flush=True); os.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", killed, address, str(folder)], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL
    with serving(database, port):
        connected(address, folder).close()
    assert known(database, port) == [(run.stdout.strip(), 2)]


def test_a_file_that_was_cut_off_is_delivered_as_far_as_it_is_whole(
    database: str, port: int, address: str, folder: Path
) -> None:
    reported = begun()
    gone = connected(address, folder)
    gone.commit(reported)
    gone.commit(begun())
    gone.close()
    (path,) = spooled(folder)
    os.truncate(path, path.stat().st_size - 10)
    with serving(database, port):
        connected(address, folder).close()
    assert known(database, port) == [(reported[0].id, 2)]
    assert len(list(folder.glob("*.damaged"))) == 1


def test_with_local_checkpoints_a_commit_does_not_wait_for_the_server(
    database: str, port: int, address: str, folder: Path
) -> None:
    reported = begun()
    with serving(database, port):
        orchestrator = connected(address, folder, locally=True, patience_seconds=30)
        orchestrator.commit(reported)
        assert spooled(folder)[0].stat().st_size > 0
        assert ids(orchestrator.flow_runs(RunFilter())) == [reported[0].id]
        orchestrator.close()


def test_a_cache_key_is_missing_while_the_server_is_away_and_may_be_computed(address: str, folder: Path) -> None:
    orchestrator = connected(address, folder)
    mine = Claim("key", new_id(), new_id(), 1)
    assert orchestrator.find_cached("key", 1) is None
    assert orchestrator.claim_key(mine)
    assert orchestrator.claim_of("key") is None
    with pytest.raises(OrchestratorUnreachable, match="does not answer"):
        orchestrator.flow_runs(RunFilter())
    orchestrator.close()


def test_a_server_that_is_back_soon_is_waited_for(database: str, port: int, address: str, folder: Path) -> None:
    orchestrator = connected(address, folder, patience_seconds=30)
    orchestrator.report(reported := begun())
    with serving(database, port):
        assert ids(orchestrator.flow_runs(RunFilter())) == [reported[0].id]
        orchestrator.close()


def test_whoever_claims_a_run_waits_for_a_server_that_is_away(
    database: str, port: int, address: str, folder: Path
) -> None:
    reported = begun()
    with serving(database, port):
        first = connected(address, folder)
        first.commit([*reported, StartRecord(reported[0].id, FIRST, None, None, None)])
        first.close()
    orchestrator = connected(address, folder, patience_seconds=30)
    assert orchestrator.standing(reported[0].id) is None
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(standing_of, reported[0].id, orchestrator)
        with serving(database, port):
            found = asked.result(60)
            orchestrator.close()
    assert found is not None
    assert found.process_id == FIRST


def test_saved_blocks_are_known_while_the_server_is_away(database: str, port: int, address: str, folder: Path) -> None:
    saved = block("dev")
    with serving(database, port):
        orchestrator = connected(address, folder)
        orchestrator.commit([saved])
        assert orchestrator.blocks(name="dev") == [saved]
        orchestrator.close()
    later = connected(address, folder)
    assert later.blocks(type=saved.type, name="dev") == [saved]
    assert later.block(saved.id) == saved
    later.close()


def test_a_forked_process_reports_by_itself(database: str, port: int, address: str, folder: Path) -> None:
    with serving(database, port):
        orchestrator = connected(address, folder)
        orchestrator.commit(parents := begun())
        child = os.fork()
        if not child:
            orchestrator.commit(begun())
            orchestrator.close()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        orchestrator.commit(begun())
        assert len(orchestrator.flow_runs(RunFilter())) == 3
        assert len(orchestrator.states(parents[0].id)) == 2
        orchestrator.close()


def test_records_that_cannot_be_kept_stop_no_others(database: str, port: int, address: str, folder: Path) -> None:
    good, bad = flow_run(), flow_run()._replace(id="no id")
    with serving(database, port):
        orchestrator = connected(address, folder)
        with pytest.raises(OrchestratorError, match="2 records were refused"):
            orchestrator.commit([bad, good, good._replace(name=b"bytes")])  # type: ignore[arg-type]
        assert ids(orchestrator.flow_runs(RunFilter())) == [good.id]
        orchestrator.close()


def test_a_server_that_lost_its_database_continues_with_what_comes(
    tmp_path: Path, port: int, address: str, folder: Path
) -> None:
    orchestrator = connected(address, folder, patience_seconds=30)
    with serving(str(tmp_path / "lost.db"), port):
        orchestrator.commit(begun())
        orchestrator.commit(begun())
    database = str(tmp_path / "new.db")
    with serving(database, port):
        orchestrator.commit(reported := begun())
        orchestrator.close()
    assert known(database, port) == [(reported[0].id, 2)]


# The protocol, as another client may speak it


class Client:
    """One that sends what it likes."""

    def __init__(self, address: str) -> None:
        self._address = f"{address}/api/orchestrator"

    def post(self, path: str, content: bytes | str, **headers: object) -> httpx.Response:
        reported = {"protocol": wire.VERSION, **headers}
        shown = {f"Perdure-{name}": str(value) for name, value in reported.items() if value is not None}
        return httpx.post(f"{self._address}/{path}", content=content, headers=shown)


@pytest.fixture
def client(database: str) -> Iterator[Client]:
    with serving(database) as address:
        yield Client(address)


def test_a_batch_that_comes_twice_counts_once(client: Client) -> None:
    run, source = flow_run(), new_id()
    body = wire.encode_records([LogRecord(run.id, None, 1, 20, "", "a line")])
    for _ in range(2):
        assert client.post("records", body, source=source, sequence=1).json() == {"refused": {}, "wanted": 2}
    assert len(client.post("logs", "{}").json()) == 1


def claimed(client: Client, *epochs: tuple[int, int] | None) -> StateRecord:
    """The first state of a flow run that was claimed by these epochs; None stands for a claim of an earlier version."""
    run = flow_run()
    seen = state(run, S.RUNNING)
    process = this_process()._replace(id=FIRST)  # which lives: else the server says that the run has crashed
    reported = [run, seen, process, StartRecord(run.id, FIRST, None, None, None)]
    answer = client.post("records", wire.encode_records(reported), source=new_id(), sequence=1)
    assert answer.json() == {"refused": {}, "wanted": 2}
    for each in epochs:
        arguments = (seen, FIRST, FIRST, ()) if each is None else (seen, FIRST, FIRST, (), each)
        call = wire.method(Orchestrator, "claim").encode_call(arguments, {})
        assert client.post("claim", call, source=new_id(), sequence=1).json() is True
    return seen


@pytest.mark.parametrize(
    ("epochs", "is_kept"),
    [
        pytest.param([], True, id="it has begun the run"),
        pytest.param([None], True, id="it has claimed the run"),
        pytest.param([(1, 2)], False, id="the run was claimed since"),
        pytest.param([None, (-2, 3)], False, id="the run was claimed after its claim"),
        pytest.param([(1, 2), None], True, id="it has claimed the run after others"),
    ],
)
def test_what_an_earlier_version_reports_is_kept_if(
    client: Client, epochs: list[tuple[int, int] | None], is_kept: bool
) -> None:
    seen = claimed(client, *epochs)
    again = seen._replace(type=S.COMPLETED, name="Completed")
    line = LogRecord(seen.run_id, None, 1, 20, "", "a line")
    body = wire.encode_records([line, again])
    reported = client.post("records", body, source=new_id(), sequence=1, protocol=1).json()
    why = f"The flow run {seen.run_id} was taken over by another process."
    assert reported == {"refused": {} if is_kept else {"1": why}, "wanted": 2}
    assert len(client.post("states", f'{{"run_id": "{seen.run_id}"}}').json()) == 1 + is_kept
    assert len(client.post("logs", "{}").json()) == 1


def test_a_batch_says_which_of_its_claims_are_lost(client: Client) -> None:
    seen, own = claimed(client, (1, 2)), claimed(client)
    body = wire.encode_batch([seen, own], {seen.run_id: 1, own.run_id: 1})
    reported = client.post("records", body, source=new_id(), sequence=1).json()
    assert reported == {"refused": {}, "lost": {seen.run_id: 1}, "wanted": 2}


@pytest.mark.parametrize(
    "body",
    [
        f'[["LogRecord", [null, null, 1, 1, "", ""]], ["OwnersRecord", ["{{\\"{FIRST}\\": 1}}"]]]',
        f'[["OwnersRecord", ["{{\\"{FIRST}\\": 0}}"]]]',
        f'[["OwnersRecord", ["{{\\"{FIRST}\\": {2**62}}}"]]]',
        '[["OwnersRecord", ["{\\"x\\": 1}"]]]',
        '[["OwnersRecord", ["[]"]]]',
        '[["OwnersRecord", [""]]]',
    ],
    ids=["not first", "no epoch", "too high", "no id", "a list", "nothing"],
)
def test_a_batch_whose_claims_are_malformed_is_refused(client: Client, body: str) -> None:
    assert client.post("records", body, source=new_id(), sequence=1).status_code == 422


def test_a_batch_that_comes_too_early_learns_which_one_is_wanted(client: Client) -> None:
    body, source = wire.encode_records([flow_run()]), new_id()
    client.post("records", body, source=source, sequence=1)
    answer = client.post("records", body, source=source, sequence=3)
    assert (answer.status_code, answer.json()["error"]["wanted"]) == (409, 2)


def test_a_call_that_comes_twice_is_done_once_and_answered_alike(client: Client) -> None:
    mine = wire.method(Orchestrator, "claim_key").encode_call((Claim("k", new_id(), new_id(), 1),), {})
    place = {"source": new_id(), "sequence": 1}
    assert [client.post("claim_key", mine, **place).json() for _ in range(2)] == [True, True]
    assert client.post("claim_key", mine, source=new_id(), sequence=1).json() is False


def test_runs_that_a_worker_claims_are_its_own_though_the_answer_is_lost(client: Client, database: str) -> None:
    known, places = EmbeddedOrchestrator(Path(database)), PlacesConformance()
    of = places._deployed(known)
    runs = [run.flow_run_id for _ in range(3) if (run := places._run(known, of)) is not None]
    known.close()
    source, me = new_id(), worker()

    def taken(sequence: int) -> list[str]:
        arguments = me, 2, NOW, LEASE + sequence
        claim = wire.method(Orchestrator, "deployments.claim").encode_call(arguments, {})
        return [each[0] for each in client.post("deployments.claim", claim, source=source, sequence=sequence).json()]

    assert taken(1) == taken(1) == runs[:2]
    assert taken(2) == taken(2) == runs[2:]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[",
        "[1]",
        '[["Nothing", []]]',
        '[["StateRecord", []]]',
        '[["StateRecord", {}]]',
        '[["StateRecord", ["x", true, "FAILED", "Failed", null, 1]]]',
        f'[["StateRecord", ["{FIRST}", true, "LOST", "Lost", null, 1]]]',
        f'[["StateRecord", ["{FIRST}", true, "FAILED", "Failed", null, {2**63}]]]',
        f'[["StateRecord", ["{FIRST}", true, "FAILED", "\\ud800", null, 1]]]',
        f'[["FlowRunRecord", ["{FIRST}", "a", "b", null, null, null, "[1]", "{{}}", 1]]]',
        f'[["FlowRunRecord", ["{FIRST}", "a", "b", null, null, null, "[]", "NaN", 1]]]',
        f'[["FlowRunRecord", ["{FIRST}", "a", "b", null, null, null, "[]", "{{\\"a\\": {"[" * 5000}", 1]]]',
        f'[["StepRecord", ["{FIRST}", "{FIRST}", "{FIRST}", "", null, null, null, "[[], null]", "staged"]]]',
    ],
    ids=range(15),
)
def test_what_readers_would_choke_on_is_refused(client: Client, body: str) -> None:
    assert client.post("records", body, source=new_id(), sequence=1).status_code == 422


@pytest.mark.parametrize("place", [{}, {"source": "me", "sequence": 1}, {"source": FIRST, "sequence": "one"}])
def test_a_batch_without_a_place_is_refused(client: Client, place: dict[str, object]) -> None:
    assert client.post("records", "[]", **place).status_code == 422


def test_every_method_of_the_protocol_is_served(client: Client) -> None:
    for name in wire.names():
        assert client.post(name, '{"nothing": 1}').status_code in (200, 422), name


@pytest.mark.parametrize("version", [None, 0, "x", wire.VERSION + 1])
def test_a_client_of_another_protocol_learns_what_to_upgrade(client: Client, version: object) -> None:
    answer = client.post("states", '{"run_id": "x"}', protocol=version)
    reported = answer.json()["error"]
    assert (answer.status_code, reported["kind"]) == (426, ProtocolMismatch.__name__)
    assert "Upgrade" in reported["message"]


def test_a_session_that_nobody_knows_is_not_found(client: Client) -> None:
    assert client.post(f"sessions/{new_id()}/storages", "").status_code == 404


def test_a_long_list_comes_in_pages(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perdure._store.remote.orchestrator._PAGE", 3)
    orchestrator = RemoteOrchestrator(client._address.removesuffix("/api/orchestrator"), tmp_path)
    runs = [task_run() for _ in range(8)]
    orchestrator.commit(runs)
    newest = [run.id for run in reversed(runs)]
    assert ids(orchestrator.task_runs(RunFilter())) == newest
    assert ids(orchestrator.task_runs(RunFilter(limit=4))) == newest[:4]
    assert ids(orchestrator.task_runs(RunFilter(limit=3))) == newest[:3]
    orchestrator.close()


def test_a_server_that_asks_for_fewer_requests_is_not_away(
    tmp_path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with rated(tmp_path, request_rate=3) as server:
        orchestrator = connected(server.address, folder, patience_seconds=20)
        for _ in range(8):
            orchestrator.commit([flow_run()])
        assert len(orchestrator.flow_runs(RunFilter())) == 8
        orchestrator.close()
    assert caplog.text == ""
    assert spooled(folder) == []
