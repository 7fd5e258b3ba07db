"""Views of the page that a team shares."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perdure._rooms.views.port import Views
from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing.kept_conformance import KeptConformance
from tests.server.serving import serving

FAILED = {"name": "Failed", "page": "/flow-runs", "search": "?state=FAILED&sort=-created"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path) as served, served.client() as client:
        yield client


def names(api: httpx.Client, **asked: Any) -> list[str]:
    return [each["name"] for each in api.get("/api/views", params=asked).raise_for_status().json()["items"]]


def test_a_view_is_saved_renamed_and_deleted(api: httpx.Client) -> None:
    made = api.post("/api/views", json=FAILED)
    assert made.status_code == 201
    view = made.json()
    assert {key: view[key] for key in FAILED} == FAILED
    assert view["owner"] is None
    changed = api.put(f"/api/views/{view['id']}", json=FAILED | {"name": "Broken"}).raise_for_status().json()
    assert (changed["created"], changed["id"]) == (view["created"], view["id"])
    assert names(api) == ["Broken"]
    api.delete(f"/api/views/{view['id']}").raise_for_status()
    assert names(api) == []
    assert api.delete(f"/api/views/{view['id']}").status_code == 404
    assert api.put(f"/api/views/{view['id']}", json=FAILED).status_code == 404


def test_a_page_lists_its_own_views(api: httpx.Client) -> None:
    for page in ("/flow-runs", "/task-runs"):
        api.post("/api/views", json=FAILED | {"page": page, "name": f"of {page}"}).raise_for_status()
    assert names(api, page="/task-runs") == ["of /task-runs"]
    assert names(api) == ["of /task-runs", "of /flow-runs"]


def test_two_views_of_a_page_have_two_names(api: httpx.Client) -> None:
    api.post("/api/views", json=FAILED).raise_for_status()
    again = api.post("/api/views", json=FAILED)
    assert again.status_code == 409
    assert "'Failed'" in again.json()["error"]["message"]
    assert api.post("/api/views", json=FAILED | {"page": "/task-runs"}).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": " "}, {"name": "x" * 61}, {"page": "https://evil.example"}, {"search": "evil"}],
)
def test_what_no_page_has_is_refused(api: httpx.Client, wrong: dict[str, str]) -> None:
    assert api.post("/api/views", json=FAILED | wrong).status_code == 422
    assert names(api) == []


def test_who_may_only_read_sees_views_and_saves_none(tmp_path: Path) -> None:
    with (
        serving(tmp_path, authenticated=True) as served,
        served.client(served.tokens["write"]) as writer,
        served.client(served.tokens["read"]) as reader,
    ):
        view = writer.post("/api/views", json=FAILED).raise_for_status().json()
        assert names(reader) == ["Failed"]
        assert view["owner"] == "write"
        assert reader.post("/api/views", json=FAILED | {"name": "mine"}).status_code == 403
        assert reader.put(f"/api/views/{view['id']}", json=FAILED).status_code == 403
        assert reader.delete(f"/api/views/{view['id']}").status_code == 403


class TestEmbedded(KeptConformance):
    port = Views

    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Iterator[EmbeddedOrchestrator]:
        orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
        yield orchestrator
        orchestrator.close()
