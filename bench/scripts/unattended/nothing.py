"""A flow that does nothing."""

from perdure import flow


@flow
def nothing() -> None:
    """Does nothing."""
