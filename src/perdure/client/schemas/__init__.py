"""Shapes of what `get_client` is asked for, under the paths that users of Prefect know."""
