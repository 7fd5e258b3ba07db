"""The exchange that all tests of a session look at."""

import pytest
from exchange import Exchange, exchanged

from perdure._platform.files import locked


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Exchange:
    base = tmp_path_factory.getbasetemp()
    place = (base if worker_id == "master" else base.parent) / "interop"
    with locked(place.with_suffix(".lock")):  # the first worker that comes does it for all
        return exchanged(place)
