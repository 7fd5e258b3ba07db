"""Stopping, workers, TLS and the log of real processes."""

import asyncio
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import trustme
import uvicorn
from fastapi.responses import StreamingResponse

from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._store.embedded import EmbeddedOrchestrator
from tests.prepared import Prepared
from tests.server.serving import serving

pytestmark = pytest.mark.slow


@contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A server's process and its address; what it logs is in the folder's `log`."""
    command = ["-m", "perdure", "server", "start", "--port=0", "--json", *options]
    with (folder / "log").open("w") as log:
        environment = os.environ | {"PYTHONUNBUFFERED": ""}  # the address comes through a pipe all the same
        process = Prepared(
            *command, f"--database={folder / 'perdure.db'}", env=environment, stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, (folder / "log").read_text()
            yield process, json.loads(line)["address"]
        finally:
            process.terminate()
            process.communicate(timeout=60)


def token_in(folder: Path, scope: Scope = Scope.ADMIN) -> str:
    orchestrator = EmbeddedOrchestrator(folder / "perdure.db")
    text, _ = orchestrator.tokens.create("test", scope, system_clock())
    orchestrator.close()
    return text


def test_a_server_that_is_asked_to_stop_ends_requests_and_streams_and_takes_no_more(tmp_path: Path) -> None:
    with serving(tmp_path, uvicorn.Server) as server, ThreadPoolExecutor() as pool:
        begun = threading.Barrier(3)

        @server.app.get("/api/slow")
        def slow() -> str:
            begun.wait(60)
            time.sleep(1)
            return "done"

        @server.app.get("/api/stream")
        def stream() -> StreamingResponse:
            async def events() -> AsyncIterator[str]:
                yield "data: 1\n\n"
                await asyncio.to_thread(begun.wait, 60)
                await asyncio.sleep(600)

            return StreamingResponse(events(), media_type="text/event-stream")

        answer = pool.submit(httpx.get, f"{server.address}/api/slow", timeout=60)
        streamed = pool.submit(httpx.get, f"{server.address}/api/stream", timeout=60)
        begun.wait(60)
        began = time.monotonic()
        server.server.should_exit = True
        assert answer.result().json() == "done"
        assert streamed.result().text == "data: 1\n\n"  # and ended as it should: httpx saw the last chunk
        assert time.monotonic() - began < 60
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.address}/api/health")


def test_a_request_on_a_connection_that_was_made_before_the_server_was_asked_to_stop_is_answered(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, uvicorn.Server) as server, server.raw() as raw:
        time.sleep(0.2)  # it is accepted
        server.server.should_exit = True
        time.sleep(0.3)  # the server looks ten times a second
        raw.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))  # to its end: the connection is closed

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_connection_without_a_request_holds_up_no_stop(tmp_path: Path) -> None:
    with serving(tmp_path, uvicorn.Server) as server, server.raw() as raw:
        began = time.monotonic()
        server.server.should_exit = True
        assert raw.recv(1) == b""
        assert time.monotonic() - began < 60


def test_a_stream_that_begins_while_the_server_stops_ends_at_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:

        @server.app.get("/api/stream")
        async def stream() -> StreamingResponse:
            async def events() -> AsyncIterator[str]:
                yield "data: 1\n\n"
                await asyncio.sleep(600)

            server.app.state.streams.end()
            return StreamingResponse(events(), media_type="text/event-stream")

        assert httpx.get(f"{server.address}/api/stream", timeout=60).status_code == 200


def test_a_stream_may_last_longer_than_a_request(tmp_path: Path) -> None:
    with serving(tmp_path, request_seconds=1) as server:

        @server.app.get("/api/stream")
        def stream() -> StreamingResponse:
            async def events() -> AsyncIterator[str]:
                yield "data: 1\n\n"
                await asyncio.sleep(1.5)
                yield "data: 2\n\n"

            return StreamingResponse(events(), media_type="text/event-stream")

        @server.app.get("/api/slow")
        async def slow() -> None:
            await asyncio.sleep(60)

        assert httpx.get(f"{server.address}/api/stream").text == "data: 1\n\ndata: 2\n\n"
        answer = httpx.get(f"{server.address}/api/slow")
        assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "TooSlow")


def test_workers_answer_together_and_leave_together(tmp_path: Path) -> None:
    token = token_in(tmp_path)
    with started(tmp_path, "--workers=2") as (process, address):
        client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        for n in range(20):
            assert client.post("/api/tokens", json={"name": f"t{n}", "scope": "read"}).status_code == 201
            client.close()
            client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        assert len(client.get("/api/tokens").json()) == 21
        said = client.get("/api/metrics").text
        assert 'perdure_requests_total{method="POST",route="/api/tokens",status="201"} 20.0' in said
        client.close()
        process.terminate()
        process.wait(20)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address}/api/health")


def children_of(process: int) -> set[int]:
    """The processes that serve: the parent's children that have its command."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {int(each) for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()}


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_workers_are_replaced_one_after_another_on_sighup_and_somebody_answers_all_the_time(tmp_path: Path) -> None:
    with started(tmp_path, "--workers=2") as (process, address):
        assert httpx.get(f"{address}/api/health", timeout=60).status_code == 200
        first = children_of(process.pid)
        assert len(first) == 2
        process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 90
        while children_of(process.pid) & first:
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            assert httpx.get(f"{address}/api/health", timeout=60).status_code == 200
            time.sleep(0.05)
        assert len(children_of(process.pid)) == 2
        assert httpx.get(f"{address}/api/health", timeout=60).status_code == 200


def test_workers_do_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    with started(tmp_path, "--workers=2") as (process, address):
        assert httpx.get(f"{address}/api/health", timeout=60).status_code == 200
        process.kill()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{address}/api/health", timeout=5)
            except httpx.TransportError:
                return
            time.sleep(0.1)
        pytest.fail("a worker still answers")


def test_a_certificate_is_read_again_on_sighup(tmp_path: Path) -> None:
    authority, cert, key = trustme.CA(), tmp_path / "cert.pem", tmp_path / "key.pem"

    def issue() -> None:
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(key)
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))

    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    def serial(port: int) -> object:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as raw,
            trust.wrap_socket(raw, server_hostname="localhost") as connection,
        ):
            return connection.getpeercert()["serialNumber"]  # type: ignore[index]

    issue()
    with started(tmp_path, f"--tls-cert={cert}", f"--tls-key={key}") as (process, address):
        port = int(address.rpartition(":")[2])
        assert address.startswith("https://")
        assert httpx.get(f"https://localhost:{port}/api/health", verify=trust, timeout=60).status_code == 200
        before = serial(port)
        issue()
        process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while serial(port) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert serial(port) != before
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://localhost:{port}/api/health")


@pytest.mark.parametrize("options", [["--host=0.0.0.0"], ["--tls-cert=nothing.pem"], ["--host=::"]])
def test_a_server_that_would_be_open_or_unreachable_does_not_start(tmp_path: Path, options: list[str]) -> None:
    command = [sys.executable, "-m", "perdure", "server", "start", "--port=0", *options]
    ended = subprocess.run(
        [*command, f"--database={tmp_path / 'perdure.db'}"], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert "perdure token create" in ended.stderr or "--tls-key" in ended.stderr


def test_a_server_is_open_to_others_only_when_that_is_said(tmp_path: Path) -> None:
    with started(tmp_path, "--host=0.0.0.0", "--insecure") as (_, address):
        port = address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/api/flow-runs", timeout=60).status_code == 200
    assert "--insecure" in (tmp_path / "log").read_text()


def test_the_log_has_requests_and_never_secrets(tmp_path: Path) -> None:
    token = token_in(tmp_path, Scope.READ)
    with started(tmp_path, "--log-requests", "--log-format=json") as (process, address):
        client = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        with client:
            assert (
                client.get("/api/flow-runs/0a5ec2e7-0000-7000-8000-000000000000?sig=a-secret-query").status_code == 404
            )
            said = client.get("/api/flow-runs", headers={"X-Request-ID": "of-a-test"}).headers["x-request-id"]
            client.post("/api/session", json={"token": token})
            client.get("/api/flow-runs", headers={"Authorization": "Bearer a-secret-try"})
            client.get("/api/flow-runs", headers={"X-Request-ID": 'a"secret\tid'})
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert said == "of-a-test"
    assert [line["status"] for line in lines] == [404, 200, 200, 401, 200]
    assert lines[0]["route"] == "/api/flow-runs/{id}"
    assert lines[1]["request_id"] == "of-a-test"
    assert lines[1]["token"] == token[:20]
    assert token[21:] not in text
    assert "secret" not in text
