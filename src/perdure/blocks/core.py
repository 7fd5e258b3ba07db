"""`Block` and the type of its secrets, by their path in Prefect."""

from pydantic import SecretStr

from perdure._blocks.block import Block
from perdure._platform.moved import export

__all__ = ["Block", "SecretStr"]

export(globals())
