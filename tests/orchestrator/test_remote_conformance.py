from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from perdure.orchestrator.protocol import Orchestrator
from perdure.orchestrator.remote import RemoteOrchestrator
from perdure.testing.orchestrator_conformance import OrchestratorConformance
from perdure.testing.pruning_conformance import PruningConformance
from tests.postgresql_server import new_database
from tests.server.running import in_this_process


def remote(database: str, folder: Path) -> Iterator[Orchestrator]:
    """An orchestrator on a server of its own, over HTTP."""
    with in_this_process(database) as address:
        orchestrator = cast("Orchestrator", RemoteOrchestrator(address, folder))
        yield orchestrator
        orchestrator.close()


@pytest.mark.slow
class TestOverSQLite(OrchestratorConformance, PruningConformance):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Iterator[Orchestrator]:
        yield from remote(str(tmp_path / "perdure.db"), tmp_path / "spool")


@pytest.mark.slow
class TestOverPostgreSQL(OrchestratorConformance):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path, postgresql: str) -> Iterator[Orchestrator]:
        with new_database(postgresql) as url:
            yield from remote(url, tmp_path / "spool")
