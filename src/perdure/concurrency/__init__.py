"""Concurrency and rate limits, by the paths of Prefect: `concurrency.sync` and `concurrency.asyncio` are one here.

`perdure.concurrency` is also what is called, `with concurrency("database"):`. Python binds that name to this module
once it is imported; so the module can be called, too.
"""

import sys
from types import ModuleType
from typing import Any

from perdure._execution.limits import concurrency, rate_limit

__all__ = ["concurrency", "rate_limit"]


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> concurrency:
        return concurrency(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
