__all__ = [
    "Block",
]

from perdure.blocks import Block as Block
