"""What all integrations share: calls that async code awaits, libraries that may be missing, the log of the run."""

import importlib
from typing import Any

from perdure._model.awaited import awaited_in_async_code
from perdure._model.errors import IntegrationError
from perdure._run.log_reporting import run_log

__all__ = ["awaited_in_async_code", "imported", "run_log"]


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
