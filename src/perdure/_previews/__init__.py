"""Previews: what may be shown of a value, made by the process that made it."""
