"""Limits: `with concurrency("db"):` round what few may do at once, `rate_limit("api")` before what may not be often."""

from perdure._execution.limits import concurrency, rate_limit
from perdure._platform.moved import export

__all__ = ["concurrency", "rate_limit"]

export(globals())
