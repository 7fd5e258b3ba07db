"""Blocks: typed configurations that are saved under a slug such as `local-file-system/dev`."""

from perdure._blocks.block import Block, block_class, block_types, delete, from_record
from perdure._blocks.saving import BlockStore, set_store_provider
from perdure._platform.moved import export

__all__ = ["Block", "BlockStore", "block_class", "block_types", "delete", "from_record", "set_store_provider"]

export(globals())
