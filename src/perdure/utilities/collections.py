"""`quote`, by another of its paths in Prefect."""

from perdure.core.annotations import quote

__all__ = ["quote"]
