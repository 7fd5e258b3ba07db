"""`Block`, by its path in Prefect."""

from perdure.blocks.block import Block

__all__ = ["Block"]
