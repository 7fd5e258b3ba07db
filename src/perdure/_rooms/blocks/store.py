"""Blocks in the database."""

from collections.abc import Sequence

from perdure._model.records import BlockRecord
from perdure._rooms.blocks.records import BlockFilter
from perdure._rooms.blocks.tables import BLOCK
from perdure._store.sql.access import Access


class SqlBlocks:
    """What an orchestrator over a database does for blocks, beside keeping those that are reported."""

    _access: Access

    def block(self, id: str) -> BlockRecord | None:
        """A block by its id."""
        writer = self._access.writer
        if writer.holds_keyed:
            writer.flush()
        return self._access.one(BlockRecord, self._access.sql.block, id)

    def has_block(self, id: str) -> bool:
        """Whether a block is known."""
        return self.block(id) is not None

    def blocks(self, type: str | None = None, name: str | None = None) -> Sequence[BlockRecord]:
        """The saved (named) blocks, sorted by type and name; or those of a type, or of a name."""
        self._access.writer.flush()
        return self._access.filtered(BLOCK, BlockFilter(type, name, has_name=True), "type, name")

    def delete_block(self, id: str) -> None:
        """Forget a block's name; the block itself is kept for the results that lie in its storage."""
        self._access.writer.execute(self._access.sql.forget_block, (id,))
