from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing.automations_conformance import AutomationsConformance
from perdure.testing.deployments_conformance import DeploymentsConformance
from perdure.testing.limits_conformance import LimitsConformance
from perdure.testing.orchestrator_conformance import OrchestratorConformance
from perdure.testing.ownership_conformance import OwnershipConformance
from perdure.testing.services_conformance import ServicesConformance


class TestEmbedded(
    OrchestratorConformance,
    OwnershipConformance,
    LimitsConformance,
    ServicesConformance,
    DeploymentsConformance,
    AutomationsConformance,
):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Iterator[EmbeddedOrchestrator]:
        orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
        yield orchestrator
        orchestrator.close()
