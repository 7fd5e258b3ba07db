"""`Block`, by its path in Prefect."""

from perdure._blocks.block import Block
from perdure._platform.moved import export

__all__ = ["Block"]

export(globals())
