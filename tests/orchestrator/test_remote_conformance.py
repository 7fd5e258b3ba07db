from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from perdure import settings
from perdure._store.protocol import Orchestrator
from perdure._store.remote.orchestrator import RemoteOrchestrator
from perdure.testing.automations_conformance import AutomationsConformance
from perdure.testing.deployments_conformance import DeploymentsConformance
from perdure.testing.limits_conformance import LimitsConformance
from perdure.testing.orchestrator_conformance import OrchestratorConformance
from perdure.testing.ownership_conformance import OwnershipConformance
from perdure.testing.pruning_conformance import PruningConformance
from perdure.testing.server import serving
from perdure.testing.services_conformance import ServicesConformance
from tests.postgresql_server import new_database


@pytest.fixture(autouse=True)
def _no_services(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does nothing but answer."""
    for service in ("LOST", "LATE", "SCHEDULES", "EVENTS", "AUTOMATIONS", "HOOKS"):
        monkeypatch.setenv(f"PERDURE_SERVICE_{service}_SECONDS", "0")
    settings.reload()


def remote(database: str, folder: Path) -> Iterator[Orchestrator]:
    """An orchestrator on a server of its own, over HTTP."""
    with serving(database) as address:
        orchestrator = cast("Orchestrator", RemoteOrchestrator(address, folder))
        yield orchestrator
        orchestrator.close()


class Conformance(
    OrchestratorConformance,
    OwnershipConformance,
    PruningConformance,
    LimitsConformance,
    ServicesConformance,
    DeploymentsConformance,
    AutomationsConformance,
):
    """All suites."""


@pytest.mark.slow
class TestOverSQLite(
    OrchestratorConformance,
    OwnershipConformance,
    PruningConformance,
    LimitsConformance,
    ServicesConformance,
    DeploymentsConformance,
    AutomationsConformance,
):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Iterator[Orchestrator]:
        yield from remote(str(tmp_path / "perdure.db"), tmp_path / "spool")


@pytest.mark.slow
class TestOverPostgreSQL(
    OrchestratorConformance,
    OwnershipConformance,
    PruningConformance,
    LimitsConformance,
    ServicesConformance,
    DeploymentsConformance,
    AutomationsConformance,
):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path, postgresql: str) -> Iterator[Orchestrator]:
        with new_database(postgresql) as url:
            yield from remote(url, tmp_path / "spool")
