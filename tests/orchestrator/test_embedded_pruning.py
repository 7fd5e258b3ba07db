from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure._store.embedded import EmbeddedOrchestrator
from perdure.testing.pruning_conformance import PruningConformance


class TestEmbedded(PruningConformance):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Iterator[EmbeddedOrchestrator]:
        orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
        yield orchestrator
        orchestrator.close()
