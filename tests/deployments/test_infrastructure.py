"""Each kind of infrastructure that workers start runs on, by one suite."""

import pytest

from perdure._worker.infrastructure import Infrastructure
from perdure._worker.process import ProcessInfrastructure
from perdure.testing.infrastructure_conformance import InfrastructureConformance

pytestmark = pytest.mark.slow


class TestProcesses(InfrastructureConformance):
    @pytest.fixture
    def infrastructure(self) -> Infrastructure:
        return ProcessInfrastructure(shows=False)
