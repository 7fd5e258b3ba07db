"""How much one client may ask for: each limit is met for real."""

import contextlib
import gzip
import json
import logging
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from perdure._server.access_log import Throttle
from perdure._server.addresses import client_address, networks
from perdure._server.request_bodies import check_elements
from perdure._server.request_limits import Rates, decompressed
from tests.server.serving import Serving, serving

LOGIN = "/api/session"
RECORDS, CALL = "/api/orchestrator/records", "/api/orchestrator/flow_runs"
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


def send_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(tmp_path: Path) -> None:
    with serving(tmp_path, max_body=10_000) as server, server.client() as client:
        assert client.post(LOGIN, content=b"x" * 10_001).status_code == 413
        assert client.post(LOGIN, content=iter([b"x" * 5_000] * 3)).status_code == 413
        assert client.post(LOGIN, content=b"x" * 10_000).status_code == 422


def test_whoever_shows_no_token_sends_a_few_kib_and_nothing_packed(tmp_path: Path) -> None:
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    bomb = gzip.compress(b"[" + b"[]," * 1_000_000 + b"[]]")
    with serving(tmp_path, authenticated=True) as server, server.client() as client:
        for path in (LOGIN, "/api/health", "/api/ready", "/nothing"):
            assert client.post(path, content=bomb[:5_000], headers=packed).status_code == 415
            assert client.post(path, content=b"[" * 20_000).status_code == 413
            assert client.post(path, content=iter([b"[" * 5_000] * 4)).status_code == 413
        assert client.post("/api/orchestrator/records", content=bomb, headers=packed).status_code == 401
        assert client.post(LOGIN, json={"token": "of no use"}).status_code == 401


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with serving(tmp_path, max_decompressed=1_000_000) as server, server.client() as client:
        packed = {"Content-Encoding": "gzip", "Perdure-Protocol": "1"}
        assert client.post(RECORDS, content=gzip.compress(b" " * 500_000_000, 1), headers=packed).status_code == 413
        body = gzip.compress(json.dumps({"filter": []}).encode())
        assert client.post(CALL, content=body, headers=packed).status_code == 200
        assert client.post(CALL, content=body[:-9], headers=packed).status_code == 400
        assert client.post(CALL, content=body, headers=packed | {"Content-Encoding": "br"}).status_code == 415


@pytest.mark.parametrize("element", [b"[],", b"1,", b'"",', b'{"a":1},', b"[[[]]],"])
def test_a_body_of_too_many_elements_is_refused_before_it_is_parsed(tmp_path: Path, element: bytes) -> None:
    body = b"[" + element * 2_000_000 + b"1]"
    packed = {"Perdure-Protocol": "1", "Content-Encoding": "gzip"}
    with serving(tmp_path) as server, server.client(headers=packed) as client:
        sent = gzip.compress(body, 1)
        began = time.process_time()
        assert client.post(RECORDS, content=sent).status_code == 413
        assert time.process_time() - began < 5


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda part: st.lists(part) | st.dictionaries(st.text(), part))
)
def test_elements_are_counted_outside_of_texts_alone(value: object) -> None:
    def count(part: object) -> int:
        parts = [*part.values()] if isinstance(part, dict) else part if isinstance(part, list) else []
        return sum(map(count, parts)) + max(0, len(parts) - 1) + isinstance(part, list | dict)

    text, number = json.dumps(value), count(value)
    check_elements(text.encode(), max(number, text.count('"')))
    check_elements(json.dumps(text).encode(), 1)  # JSON in JSON is one text
    if number:
        with pytest.raises(HTTPException):
            check_elements(text.encode(), number - 1)


@given(st.binary(max_size=300), st.booleans())
def test_what_was_packed_is_unpacked_whole_or_refused(body: bytes, whole: bool) -> None:
    packed = gzip.compress(body)
    assert decompressed(packed, "gzip", len(body)) == body
    assert decompressed(zlib.compress(body), "deflate", len(body)) == body
    with pytest.raises(HTTPException):
        decompressed(packed, "gzip", len(body) - 1) if body and whole else decompressed(packed[:-1], "gzip", 300)


def test_headers_that_are_too_large_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, max_headers=4_000) as server, server.client() as client:
        for _ in range(10):  # the answer comes although more is sent than the server reads
            assert client.get("/api/health", headers={"X-Long": "x" * 3_000_000}).status_code == 400
        assert client.get("/api/health").status_code == 200


def test_a_connection_that_was_refused_is_closed_though_its_client_stays(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.raw() as raw:
        raw.sendall(b"this is no HTTP\r\n\r\n")
        assert until_closed(raw).startswith(b"HTTP/1.1 400 ")
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on what was read
            send_for_ever(raw)


def test_a_client_that_asks_too_often_is_asked_to_wait(tmp_path: Path) -> None:
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
        assert until_closed(slow) == until_closed(silent) == b""


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path, request_seconds=0.3) as server, server.raw() as slow:
        head = b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        slow.sendall(head)
        assert until_closed(slow).startswith(b"HTTP/1.1 503")


def test_connections_that_say_nothing_give_way_to_those_that_ask(tmp_path: Path) -> None:
    with serving(tmp_path, max_connections=3) as server, contextlib.ExitStack() as held:
        silent = [held.enter_context(server.raw()) for _ in range(10)]
        silent[-1].sendall(b"GET /api/health HTTP/1.1\r\n")
        with server.client() as client:
            assert client.get("/api/health").status_code == 200
        assert until_closed(silent[0]) == b""


def test_connections_beyond_the_limit_are_turned_away(tmp_path: Path) -> None:
    with serving(tmp_path, max_connections=3) as server, contextlib.ExitStack() as held:
        asking = b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
        for _ in range(3):
            held.enter_context(server.raw()).sendall(asking)
        with server.client() as client:
            assert until(lambda: client.get("/api/health").status_code == 503)
            held.close()
            assert until(lambda: client.get("/api/health").status_code == 200)


def until(condition: Callable[[], bool]) -> bool:
    """Whether it holds within some seconds."""
    deadline = time.monotonic() + 60
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds


_SMALL_SYSTEM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
sys.argv[1:] = ["server", "start", "--port=0", "--json", "--database", sys.argv[3]]
from perdure.cli import main
main()
"""


@pytest.mark.parametrize(("soft", "hard"), [(256, 256), (256, 4_096)])
def test_more_connections_than_a_process_may_open_files_leave_it_answering(
    tmp_path: Path, soft: int, hard: int
) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", _SMALL_SYSTEM, str(soft), str(hard), str(tmp_path / "perdure.db")]
    with log.open("w") as errors, contextlib.ExitStack() as held:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        held.callback(process.wait)
        held.callback(process.terminate)
        assert process.stdout is not None
        held.enter_context(process.stdout)
        address = json.loads(process.stdout.readline())["address"]
        host, _, port = address.rpartition("/")[2].partition(":")
        for _ in range(400):
            connection = held.enter_context(socket.socket())
            connection.setblocking(False)
            connection.connect_ex((host, int(port)))
        assert httpx.get(f"{address}/api/health", timeout=60).status_code == 200
    assert log.stat().st_size < 20_000


def test_a_right_token_is_never_refused_for_others_wrong_ones(tmp_path: Path) -> None:
    with (
        serving(tmp_path, authenticated=True, failure_rate=0.5) as server,
        server.client("wrong") as stranger,
        server.client() as page,
    ):
        assert {stranger.get("/api/flow-runs").status_code for _ in range(5)} == {401, 429}
        assert {page.post(LOGIN, json={"token": "wrong"}).status_code for _ in range(5)} == {401, 429}
        for token in server.tokens.values():
            with server.client(token) as client:
                assert client.get("/api/flow-runs").status_code == 200
            assert page.post(LOGIN, json={"token": token}).status_code == 200


def test_strangers_behind_a_trusted_proxy_are_distinguished_and_others_claims_count_for_nothing(tmp_path: Path) -> None:
    def answers(server: Serving, *claims: str) -> list[int]:
        with server.client("wrong") as client:
            return [client.get("/api/flow-runs", headers={"X-Forwarded-For": each}).status_code for each in claims]

    chosen: dict[str, Any] = {"authenticated": True, "failure_rate": 0.1}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with serving(tmp_path / "a", trusted_proxies=("127.0.0.0/8",), **chosen) as server:
        assert answers(server, *["198.51.100.7"] * 2, "9.9.9.9, 198.51.100.7", "198.51.100.8") == [401, 429, 429, 401]
    with serving(tmp_path / "b", **chosen) as server:
        assert answers(server, "198.51.100.7", "198.51.100.8") == [401, 429]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([], "10.0.0.1"),
        (["198.51.100.7"], "198.51.100.7"),
        (["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7", "10.0.0.9"], "198.51.100.7"),
        (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
        (["198.51.100.7, unknown"], "10.0.0.1"),
        (["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_what_proxies_pass_on_is_believed_as_far_as_they_are_trusted(said: list[str], found: str) -> None:
    headers = Headers(raw=[(b"x-forwarded-for", each.encode()) for each in said])
    assert client_address("10.0.0.1", headers, networks(("10.0.0.0/8",))) == found
    assert client_address("10.0.0.1", headers, ()) == "10.0.0.1"
    assert client_address("192.0.2.1", headers, networks(("10.0.0.0/8",))) == "192.0.2.1"


@pytest.mark.parametrize(("trusted", "is_secure"), [(("127.0.0.0/8",), True), ((), False)])
def test_a_session_behind_a_trusted_proxy_that_speaks_tls_has_a_secure_cookie(
    tmp_path: Path, trusted: tuple[str, ...], is_secure: bool
) -> None:
    with serving(tmp_path, authenticated=True, trusted_proxies=trusted) as server, server.client() as page:
        token = {"token": server.tokens["read"]}
        for said, secure in (("https", is_secure), ("http", False), ("https, http", False)):
            cookie = page.post(LOGIN, json=token, headers={"X-Forwarded-Proto": said}).headers["set-cookie"]
            assert ("secure" in cookie.lower()) is secure


def test_a_log_line_that_strangers_cause_is_written_once_in_a_while() -> None:
    now = 0.0
    throttle = Throttle(10, lambda: now)
    lines = [logging.makeLogRecord({"msg": "out of files"}) for _ in range(50)]
    assert [throttle.filter(each) for each in lines] == [True] + [False] * 49
    now = 11.0
    last = logging.makeLogRecord({"msg": "out of files"})
    assert throttle.filter(last)
    assert last.getMessage() == "out of files (49 more like it were left out.)"
