"""How often a transaction that others wait for waits for PostgreSQL itself: all of them pay each round trip."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.testing._places_conformance import LEASE, NOW, PlacesConformance, worker
from tests.postgresql_server import new_database

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not psycopg.Pipeline.is_supported(), reason="libpq is too old")]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was waited for: each statement by itself, and each group of them that was sent together."""
    found: list[str] = []
    together = [0]
    execute, pipeline = psycopg.Connection.execute, psycopg.Connection.pipeline

    def executed(self: Any, query: Any, *given: Any, **options: Any) -> Any:
        if not together[0]:
            found.append(str(query))
        return execute(self, query, *given, **options)

    @contextmanager
    def sent_together(self: Any) -> Iterator[Any]:
        together[0] += 1
        try:
            with pipeline(self) as made:
                yield made
        finally:
            together[0] -= 1
            if not together[0]:
                found.append("together")

    monkeypatch.setattr(psycopg.Connection, "execute", executed)
    monkeypatch.setattr(psycopg.Connection, "pipeline", sent_together)
    return found


def test_a_claim_waits_three_times_while_others_wait_for_it_however_many_runs_it_takes(
    postgresql: str, waits: list[str]
) -> None:
    suite = PlacesConformance()
    with new_database(postgresql) as url:
        orchestrator = EmbeddedOrchestrator(PostgreSQL(url))
        of = suite._deployed(orchestrator)
        for _ in range(20):
            suite._run(orchestrator, of)
        waits.clear()
        assert len(orchestrator.deployments.claim(worker(), 16, NOW, LEASE)) == 16
        look, *claim = waits
        assert look.startswith("SELECT 1 FROM queued_run")  # whether anything is due: nobody waits for it
        assert [each[:6] for each in claim] == ["togeth", "togeth", "COMMIT"]
        orchestrator.close()
