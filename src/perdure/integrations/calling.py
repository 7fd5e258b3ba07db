"""What all integrations share: calls that async code awaits, libraries that may be missing, the log of the run."""

import functools
import importlib
from collections.abc import Callable
from typing import Any, ParamSpec

from perdure._model.colour import caller_is_async
from perdure._model.errors import IntegrationError
from perdure._platform.threads import in_thread
from perdure._run.logs import run_log

__all__ = ["awaited_in_async_code", "imported", "run_log"]

P = ParamSpec("P")


def awaited_in_async_code(function: Callable[P, object]) -> Callable[P, Any]:
    """A plain function as it is, but for async code: there a coroutine of it, which runs in another thread."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        if not caller_is_async():
            return function(*args, **kwargs)
        return in_thread(function, *args, **kwargs)

    return call


def imported(module: str, install: str) -> Any:
    """A library's module, which is imported when it is first needed.

    Raises:
        IntegrationError: it is not installed; says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # it is there, and lacks something itself
        raise IntegrationError(f"{module} is not installed. Run `pip install {install}`.") from None
