"""`Block`, by its path in Prefect."""

from pydantic import SecretStr  # noqa: F401 - programs that were written for Prefect import it from here

from perdure._blocks.block import Block
from perdure._platform.moved import export

__all__ = ["Block"]

export(globals())
