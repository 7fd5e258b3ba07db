from pathlib import Path

import httpx
import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing._sample_records import flow_run
from tests.server.running import running


@pytest.mark.slow
def test_a_started_server_pages_through_flow_runs_newest_first(tmp_path: Path) -> None:
    database = tmp_path / "perdure.db"
    runs = [flow_run() for _ in range(5)]
    reported = EmbeddedOrchestrator(database)
    reported.commit(runs)
    reported.close()
    with running(str(database)) as address, httpx.Client(base_url=f"{address}/api") as client:
        first = client.get("/flow-runs", params={"limit": 3}).json()
        second = client.get("/flow-runs", params={"limit": 3, "cursor": first["next"]}).json()
    assert [run["id"] for run in first["items"] + second["items"]] == [run.id for run in reversed(runs)]
    assert second["next"] is None
