"""How much one client may ask for: each limit is met for real."""

import gzip
import json
import socket
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from perdure.server.limits import Rates, unpacked
from tests.server.serving import serving

LOGIN = "/api/session"
pytestmark = pytest.mark.slow


def until_closed(connection: socket.socket) -> bytes:
    """What the server still says."""
    said = b""
    try:
        while part := connection.recv(65_536):
            said += part
    except ConnectionResetError:
        pass
    return said


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(tmp_path: Path) -> None:
    with serving(tmp_path, max_body=10_000) as server, server.client() as client:
        assert client.post(LOGIN, content=b"x" * 10_001).status_code == 413
        assert client.post(LOGIN, content=iter([b"x" * 5_000] * 3)).status_code == 413
        assert client.post(LOGIN, content=b"x" * 10_000).status_code == 422


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with serving(tmp_path, max_unpacked=1_000_000) as server, server.client() as client:
        packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        assert client.post(LOGIN, content=gzip.compress(b" " * 500_000_000, 1), headers=packed).status_code == 413
        body = gzip.compress(json.dumps({"token": "of no use"}).encode())
        assert client.post(LOGIN, content=body, headers=packed).status_code == 401
        assert client.post(LOGIN, content=body[:-9], headers=packed).status_code == 400
        assert client.post(LOGIN, content=body, headers=packed | {"Content-Encoding": "br"}).status_code == 415


@given(st.binary(max_size=300), st.booleans())
def test_what_was_packed_is_unpacked_whole_or_refused(body: bytes, whole: bool) -> None:
    packed = gzip.compress(body)
    assert unpacked(packed, "gzip", len(body)) == body
    assert unpacked(zlib.compress(body), "deflate", len(body)) == body
    with pytest.raises(HTTPException):
        unpacked(packed, "gzip", len(body) - 1) if body and whole else unpacked(packed[:-1], "gzip", 300)


def test_headers_that_are_too_large_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, max_headers=4_000) as server, server.client() as client:
        assert client.get("/api/health", headers={"X-Long": "x" * 100_000}).status_code in (400, 431)
        assert client.get("/api/health").status_code == 200


def test_a_client_that_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    with (
        serving(tmp_path, authenticated=True, request_rate=1) as server,
        server.client(server.tokens["read"]) as client,
        server.client(server.tokens["write"]) as other,
    ):
        answers = [client.get("/api/flow-runs") for _ in range(20)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:2]] == [200] * 2
        assert refused[0].headers["retry-after"] == "1"
        assert other.get("/api/flow-runs").status_code == 200


def test_wrong_tokens_are_tried_a_few_times_only(tmp_path: Path) -> None:
    with (
        serving(tmp_path, authenticated=True, failure_rate=0.5) as server,
        server.client("wrong") as client,
    ):
        assert {client.get("/api/flow-runs").status_code for _ in range(8)} == {401, 429}
        assert {client.post(LOGIN, json={"token": "wrong"}).status_code for _ in range(8)} == {401, 429}


def test_buckets_fill_again() -> None:
    now = 0.0
    rates = Rates(10, lambda: now)
    assert sum(rates.take("a") for _ in range(50)) == 20
    now = 1.0
    assert sum(rates.take("a") for _ in range(50)) == 10
    assert rates.take("b")


def test_a_head_that_comes_letter_by_letter_is_not_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path, head_seconds=0.3) as server, server.raw() as silent, server.raw() as slow:
        slow.sendall(b"GET /api/health HTTP/1.1\r\n")
        began = time.monotonic()
        assert until_closed(slow) == until_closed(silent) == b""
        assert time.monotonic() - began < 5


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path, request_seconds=0.3) as server, server.raw() as slow:
        head = b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        slow.sendall(head)
        assert until_closed(slow).startswith(b"HTTP/1.1 503")


def test_connections_beyond_the_limit_are_turned_away(tmp_path: Path) -> None:
    with serving(tmp_path, max_connections=3) as server:
        held = [server.raw() for _ in range(3)]
        time.sleep(0.1)
        with server.client() as client:
            assert client.get("/api/health").status_code == 503
        for each in held:
            each.close()
        time.sleep(0.1)
        with server.client() as client:
            assert client.get("/api/health").status_code == 200
