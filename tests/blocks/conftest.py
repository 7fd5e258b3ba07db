from collections.abc import Iterator

import pytest
from dict_store import DictStore

from perdure._blocks import saving as blocks_store
from perdure.blocks import set_store_provider


@pytest.fixture(autouse=True)
def store() -> Iterator[DictStore]:
    before = blocks_store._provider
    store = DictStore()
    set_store_provider(lambda: store)
    yield store
    set_store_provider(before)
