"""What Prefect's tests use of Prefect's own helpers for tests: none of them is anything that its users write."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock


def exceptions_equal(one: BaseException, other: BaseException) -> bool:
    """Whether two exceptions are of one type, with the same arguments."""
    return type(one) is type(other) and one.args == other.args


@contextmanager
def assert_does_not_warn(*ignored: type[Warning]) -> Iterator[None]:
    """Within the block no warning may be given, but for those of some types."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in ignored:
            warnings.simplefilter("ignore", each)
        yield


async def get_most_recent_flow_run(client: Any = None) -> Any:
    """The newest flow run."""
    from perdure.client import get_client

    async with get_client() as client:
        return (await client.read_flow_runs(limit=1))[0]


async def assert_uses_result_serializer(state: Any, serializer: Any, client: Any = None) -> None:
    """The state's result was written by this serializer, or by one of this type's name."""
    kind = serializer if isinstance(serializer, str) else serializer.type
    assert state.data.serializer_type == kind
    assert state.data.read().serializer["type"] == kind.partition("/")[0]


async def assert_uses_result_storage(state: Any, storage: Any, client: Any = None) -> None:
    """The state's result is in this storage, or in the one with this slug."""
    from perdure.blocks import Block

    expected = Block.load(storage) if isinstance(storage, str) else storage
    assert state.data.storage == expected
    assert state.data.storage.read(state.data.storage_key)


STAND_INS: dict[str, Any] = {
    "prefect.__development_base_path__": Path.cwd(),
    "prefect.__version__": "2.20.25",
    "prefect.utilities.names.obfuscate": lambda _: "*" * 8,
    "prefect.settings.PREFECT_EXPERIMENTAL_ENABLE_NEW_ENGINE": False,  # of two engines, tests are marked for the other
    **{
        f"prefect.testing.utilities.{each.__name__}": each
        for each in (
            *(AsyncMock, MagicMock, assert_does_not_warn, assert_uses_result_serializer),
            *(assert_uses_result_storage, exceptions_equal, get_most_recent_flow_run),
        )
    },
}
