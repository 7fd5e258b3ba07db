"""Numbers that JSON has no form for, in what the API answers."""

from pathlib import Path

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing._sample_records import block, flow_run
from tests.server.serving import serving

ODD = '{"x": [NaN, -Infinity], "big": 1e999, "small": 1e-999, "plain": 1.5}'
NAMED = {"x": ["NaN", "-Infinity"], "big": "Infinity", "small": 0.0, "plain": 1.5}


def test_they_are_named_wherever_they_were_kept(tmp_path: Path) -> None:
    known = EmbeddedOrchestrator(tmp_path / "perdure.db")
    run, saved = flow_run()._replace(parameters=ODD), block("dev")._replace(data=ODD)
    known.commit([run, saved])
    known.close()
    with serving(tmp_path) as server, server.client() as client:
        assert client.get(f"/api/flow-runs/{run.id}").json()["parameters"] == NAMED
        assert client.get(f"/api/flow-runs/{run.id}/parameters").json()["values"] == NAMED
        assert client.get("/api/blocks/local-file-system/dev").json()["fields"] == NAMED
