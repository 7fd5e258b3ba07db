"""Blocks: typed configurations that are saved under a slug such as `local-file-system/dev`."""

from perdure.blocks.block import Block, block_class, block_types, delete, from_record
from perdure.blocks.store import BlockStore, set_store_provider

__all__ = ["Block", "BlockStore", "block_class", "block_types", "delete", "from_record", "set_store_provider"]
