"""Paths that users of Prefect know."""

__all__: list[str] = []
