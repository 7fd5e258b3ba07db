"""Annotations of arguments: `unmapped`, `allow_failure`, `opaque`, `quote`."""

from perdure._model.argument_marks import allow_failure, opaque, quote, unmapped
from perdure._platform.moved import export

__all__ = ["allow_failure", "opaque", "quote", "unmapped"]

export(globals())
