from collections.abc import Iterator

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure._store.sql.postgresql import PostgreSQL
from perdure.testing.automations_conformance import AutomationsConformance
from perdure.testing.deployments_conformance import DeploymentsConformance
from perdure.testing.limits_conformance import LimitsConformance
from perdure.testing.orchestrator_conformance import OrchestratorConformance
from perdure.testing.ownership_conformance import OwnershipConformance
from perdure.testing.services_conformance import ServicesConformance
from tests.postgresql_server import new_database


@pytest.mark.slow
class TestPostgreSQL(
    OrchestratorConformance,
    OwnershipConformance,
    LimitsConformance,
    ServicesConformance,
    DeploymentsConformance,
    AutomationsConformance,
):
    @pytest.fixture
    def orchestrator(self, postgresql: str) -> Iterator[EmbeddedOrchestrator]:
        with new_database(postgresql) as url:
            orchestrator = EmbeddedOrchestrator(PostgreSQL(url, timeout_seconds=10))
            yield orchestrator
            orchestrator.close()
