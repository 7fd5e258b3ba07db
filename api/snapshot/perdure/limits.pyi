__all__ = [
    "concurrency",
    "rate_limit",
]

from perdure import concurrency as concurrency

from perdure import rate_limit as rate_limit
