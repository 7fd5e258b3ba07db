"""`with concurrency("name"):` and `rate_limit("name")`; in coroutines `async with` and `await`."""

from perdure._execution.limits import concurrency, rate_limit
from perdure._platform.moved import export

__all__ = ["concurrency", "rate_limit"]

export(globals())
