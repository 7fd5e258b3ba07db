"""Whatever the route: without a token, with too small a scope, or by another name or page, there is no way in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure._http.authorisation import COOKIE, PUBLIC, READING, declared, is_public, needed
from perdure._platform.clock import system_clock
from perdure._rooms.tokens.records import Scope
from perdure._server.app import routers
from perdure._store.embedded import EmbeddedOrchestrator
from tests.server.serving import Serving, serving

pytestmark = pytest.mark.slow


class Way(NamedTuple):
    """A route by one of its methods."""

    method: str
    path: str
    route: APIRoute

    @property
    def scope(self) -> Scope:
        return needed(self.route.endpoint, self.method)


WAYS = [
    Way(method, route.path.replace("{", "").replace("}", ""), route)
    for router in routers()
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods)
]
GUARDED = [way for way in WAYS if not is_public(way.path) and way.path != "/api/session"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("server"), authenticated=True, failure_rate=1e6) as server:
        yield server


def test_every_route_that_changes_something_declares_the_scope_it_needs() -> None:
    lacking = [way for way in WAYS if way.method not in READING and declared(way.route.endpoint) is None]
    assert [f"{way.method} {way.path}" for way in lacking] == []


def test_no_route_is_served_without_a_token_but_health_and_the_login(server: Serving) -> None:
    with server.client() as client:
        for way in GUARDED:
            assert client.request(way.method, way.path).status_code == 401, way
        assert client.get("/api/openapi.json").status_code == 401
        assert client.get("/api/nothing-like-it").status_code == 401
        assert client.get("/api").status_code == 401
        assert {path: client.get(path).status_code for path in PUBLIC} == dict.fromkeys(PUBLIC, 200)


def test_no_route_is_served_to_a_token_of_too_small_a_scope(server: Serving) -> None:
    for scope in Scope:
        with server.client(server.tokens[scope]) as client:
            for way in GUARDED:
                with client.stream(way.method, way.path, json={}) as answer:  # some answers have no end
                    refused = answer.status_code == 403
                assert refused != scope.allows(way.scope), (scope, way)


def test_no_route_is_served_under_a_foreign_name(server: Serving) -> None:
    with server.client(server.tokens["admin"], headers={"Host": "rebound.example"}) as client:
        for way in WAYS:
            assert client.request(way.method, way.path).status_code == 421, way


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1"])
def test_no_route_is_served_to_a_page_of_another_site(server: Serving, origin: str) -> None:
    with server.client(server.tokens["admin"]) as client:
        for way in WAYS:
            assert client.request(way.method, way.path, headers={"Origin": origin}).status_code == 403, way


def test_requests_that_a_foreign_page_makes_without_an_origin_are_refused(server: Serving) -> None:
    with server.client(server.tokens["read"]) as client:
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert client.get("/api/flow-runs", headers=foreign).status_code == 403
        assert client.get("/api/flow-runs", headers=foreign | {"Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_the_servers_own_page_and_names_are_served(server: Serving, tmp_path: Path) -> None:
    with server.client(server.tokens["read"]) as client:
        assert client.get("/api/flow-runs", headers={"Origin": server.address}).status_code == 200
        assert client.get("/api/flow-runs", headers={"Host": f"LocalHost:{server.port}"}).status_code == 200
    chosen: dict[str, Any] = {"allowed_hosts": ("flows.example",), "allowed_origins": ("https://flows.example",)}
    headers = {"Host": "flows.example", "Origin": "https://flows.example"}
    with serving(tmp_path, **chosen) as other, other.client(headers=headers) as client:
        assert client.get("/api/flow-runs").status_code == 200


def test_a_revoked_or_expired_token_is_refused(server: Serving) -> None:
    kept, now = server.app.state.tokens, system_clock()
    expired, _ = kept.create("expired", Scope.READ, now, expires=now - 1)
    revoked, _ = kept.create("revoked", Scope.READ, now)
    kept.revoke("revoked", now)
    altered = server.tokens["read"][:-1] + ("A" if server.tokens["read"][-1] != "A" else "B")
    for text in (expired, revoked, altered, "perdure_", "x" * 20_000):
        with server.client(text) as client:
            assert client.get("/api/flow-runs").status_code == 401, text


def test_a_token_that_was_used_is_refused_at_once_when_it_is_revoked_here(server: Serving) -> None:
    with server.client(server.tokens["admin"]) as boss:
        made = boss.post("/api/tokens", json={"name": "short-lived", "scope": "read"}).json()
        with server.client(made["token"]) as client:
            assert client.get("/api/flow-runs").status_code == 200
            assert [each["shown"] for each in boss.delete("/api/tokens/short-lived").json()] == [made["shown"]]
            assert client.get("/api/flow-runs").status_code == 401


def test_nothing_that_is_kept_or_listed_holds_a_token(server: Serving) -> None:
    with server.client(server.tokens["admin"]) as client:
        listed = client.get("/api/tokens").text
    orchestrator = server.app.state.orchestrator
    assert isinstance(orchestrator, EmbeddedOrchestrator)
    files = [file for file in Path(orchestrator.place).parent.iterdir() if file.is_file()]
    for text in server.tokens.values():
        secret = text.split("_", 2)[2]  # which may hold underscores itself
        assert secret[:20] not in listed
        assert not any(secret.encode() in file.read_bytes() for file in files)


def test_a_session_reads_by_its_cookie_and_changes_only_with_its_csrf_token(server: Serving) -> None:
    with server.client() as page:
        begun = page.post("/api/session", json={"token": server.tokens["admin"]})
        cookie = begun.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert page.get("/api/session").json()["csrf"] == begun.json()["csrf"]
        new = {"name": "of-a-page", "scope": "read"}
        assert page.post("/api/tokens", json=new).status_code == 403
        assert page.post("/api/tokens", json=new, headers={"X-CSRF-Token": "0" * 64}).status_code == 403
        csrf = {"X-CSRF-Token": begun.json()["csrf"]}
        assert page.post("/api/tokens", json=new, headers=csrf).status_code == 201
        kept = page.cookies[COOKIE]
        assert page.delete("/api/session", headers=csrf).status_code == 204
    with server.client(cookies={COOKIE: kept}) as page:
        assert page.get("/api/session").status_code == 401


def test_a_session_dies_with_its_token_and_is_no_token_itself(server: Serving) -> None:
    text, _ = server.app.state.tokens.create("of-a-session", Scope.READ, system_clock())
    with server.client() as page:
        page.post("/api/session", json={"token": text})
        with server.client(page.cookies[COOKIE]) as client:
            assert client.get("/api/flow-runs").status_code == 401
        assert page.post("/api/session", json={"token": page.cookies[COOKIE]}).status_code == 401
        assert page.get("/api/flow-runs").status_code == 200
        server.app.state.tokens.revoke("of-a-session", system_clock())
        server.app.state.gate.forget()
        assert page.get("/api/flow-runs").status_code == 401


def test_every_answer_says_that_browsers_may_do_nothing_with_it(server: Serving) -> None:
    with server.client(server.tokens["read"]) as client:
        for path in ("/api/flow-runs", "/api/flow-runs/none", "/api/nothing", "/nothing"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["referrer-policy"] == "no-referrer"
            assert "server" not in headers
        assert client.get("/api/flow-runs").headers["cache-control"] == "no-store"


_WORDS = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=60).map(str.strip)
_NAMES = st.sampled_from(
    [
        "Authorization",
        "Cookie",
        "Origin",
        "X-Request-ID",
        "Content-Encoding",
        "Content-Length",
        "Accept",
        "X-CSRF-Token",
        "Sec-Fetch-Site",
        "Transfer-Encoding",
        "Content-Type",
        "Forwarded",
        "X-Forwarded-For",
        "X-HTTP-Method-Override",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_NAMES, _WORDS), max_size=4), st.sampled_from(["GET", "POST", "DELETE"]))
def test_no_header_lets_anyone_in_or_has_the_server_fail(
    server: Serving, headers: list[tuple[str, str]], method: str
) -> None:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    with server.raw() as connection:
        text = f"{method} /api/tokens HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n"
        connection.sendall(text.encode("latin-1"))
        connection.shutdown(1)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer == b"" or 400 <= int(answer.split()[1]) < 500
