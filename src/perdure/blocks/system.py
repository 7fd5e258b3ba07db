"""Blocks for single values: a secret, JSON, text, a time."""

from perdure._blocks.system import JSON, DateTime, Secret, String
from perdure._platform.moved import export

__all__ = ["JSON", "DateTime", "Secret", "String"]

export(globals())
