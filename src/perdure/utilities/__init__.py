"""Paths that users of Prefect know."""
