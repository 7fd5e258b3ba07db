"""Annotations of arguments: `unmapped`, `allow_failure`, `quote`."""

from perdure.core.annotations import allow_failure, quote, unmapped

__all__ = ["allow_failure", "quote", "unmapped"]
