"""Annotations of arguments: `unmapped`, `allow_failure`, `quote`."""

from perdure._model.annotations import allow_failure, quote, unmapped
from perdure._platform.moved import export

__all__ = ["allow_failure", "quote", "unmapped"]

export(globals())
