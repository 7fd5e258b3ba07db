"""Every error that Perdure raises itself, by the module's name in Prefect; see `perdure.errors`."""

from perdure import errors
from perdure.errors import *  # noqa: F403 - all of them, by the list there

MissingContextError = errors.MissingContext
ObjectNotFound = errors.NotFound

__all__ = [*errors.__all__, "MissingContextError", "ObjectNotFound"]
