"""Where blocks are saved: whatever the program's composition root provides, which is above this layer."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from perdure._model.errors import BlockError
from perdure._model.records import BlockRecord
from perdure._platform import providers


class BlockStore(Protocol):
    """Keeps records of blocks. Every orchestrator is one."""

    def commit(self, records: Iterable[BlockRecord]) -> None:
        """Keep the records, in order; one with a known id replaces what was kept under it."""

    def block(self, id: str) -> BlockRecord | None:
        """A block by its id."""

    def blocks(self, type: str | None = None, name: str | None = None) -> Sequence[BlockRecord]:
        """The named blocks; or those of a type, or of a name."""

    def delete_block(self, id: str) -> None:
        """Forget a block's name, but keep the block."""


_provider: Callable[[], BlockStore] | None = None


def set_store_provider(provider: Callable[[], BlockStore] | None) -> None:
    """Have blocks saved in what the provider returns, instead of in the orchestrator; it is asked at every use."""
    global _provider
    _provider = provider


def block_store() -> BlockStore:
    """The store that blocks are saved in.

    Raises:
        BlockError: nothing has provided one.
    """
    store = providers.orchestrator() if _provider is None else _provider()
    if store is None:
        raise BlockError("There is no place to keep blocks in. Run `import perdure` first, or call set_store_provider.")
    return store
