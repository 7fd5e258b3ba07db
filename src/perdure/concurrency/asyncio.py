"""`with concurrency("name"):` and `rate_limit("name")`; in coroutines `async with` and `await`."""

from perdure.limits import concurrency, rate_limit

__all__ = ["concurrency", "rate_limit"]
