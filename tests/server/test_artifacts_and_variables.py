from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing._sample_records import artifact
from tests.server.running import running


@pytest.fixture
def known(tmp_path: Path) -> Iterator[EmbeddedOrchestrator]:
    known = EmbeddedOrchestrator(tmp_path / "perdure.db")
    yield known
    known.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with running(str(tmp_path / "perdure.db")) as address, httpx.Client(base_url=f"{address}/api") as client:
        yield client


@pytest.mark.slow
def test_artifacts_are_paged_by_key_and_deleted(known: EmbeddedOrchestrator, client: httpx.Client):
    made = [artifact("report", data='{"percent": 5}') for _ in range(3)]
    known.commit(made)
    first = client.get("artifacts", params={"key": "report", "limit": 2}).json()
    rest = client.get("artifacts", params={"key": "report", "cursor": first["next"]}).json()
    assert [each["id"] for each in first["items"] + rest["items"]] == [each.id for each in reversed(made)]
    assert [each["id"] for each in client.get("artifacts?latest=true").json()["items"]] == [made[2].id]
    assert client.get("artifacts?kind=table").json()["items"] == []
    assert client.get(f"artifacts/{made[0].id}").json()["data"] == {"percent": 5}
    assert [client.delete(f"artifacts/{made[0].id}").status_code for _ in range(2)] == [204, 404]
    assert client.get(f"artifacts/{made[1].id[:20]}").status_code == 422


@pytest.mark.slow
def test_variables_are_set_listed_and_deleted(client: httpx.Client):
    assert client.put("variables/limit", json={"value": {"a": [1, None]}}).json()["value"] == {"a": [1, None]}
    assert client.put("variables/limit", json={"value": 7}).status_code == 200
    assert [each["value"] for each in client.get("variables").json()] == [7]
    assert client.get("variables/limit").json()["value"] == 7
    assert [client.delete("variables/limit").status_code for _ in range(2)] == [204, 404]
    assert client.get("variables/limit").status_code == 404
    assert client.put("variables/Not-a-name", json={"value": 7}).status_code == 422
    assert client.put("variables/limit", json={"value": "x" * 2**16}).status_code == 422
