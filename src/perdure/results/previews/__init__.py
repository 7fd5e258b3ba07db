"""Previews: what may be shown of a value, made by the process that made it."""

from perdure.results.previews.whole import preview_of

__all__ = ["preview_of"]
