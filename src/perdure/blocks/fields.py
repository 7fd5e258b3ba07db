"""Types of fields of your own blocks, beside `SecretStr` and `SecretBytes` of pydantic."""

from perdure._blocks.fields import SecretDict
from perdure._platform.moved import export

__all__ = ["SecretDict"]

export(globals())
