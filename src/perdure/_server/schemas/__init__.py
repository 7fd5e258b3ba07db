"""Shapes under a path that users of Prefect know."""
