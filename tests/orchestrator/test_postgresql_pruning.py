from collections.abc import Iterator

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.testing.pruning_conformance import PruningConformance
from tests.postgresql_server import new_database


@pytest.mark.slow
class TestPostgreSQL(PruningConformance):
    @pytest.fixture
    def orchestrator(self, postgresql: str) -> Iterator[EmbeddedOrchestrator]:
        with new_database(postgresql) as url:
            orchestrator = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=10))
            yield orchestrator
            orchestrator.close()
