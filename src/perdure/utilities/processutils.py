"""`run_process`, by its path in Prefect; `perdure.integrations.shell` does more."""

from perdure._platform.commands import run_process
from perdure._platform.moved import export

__all__ = ["run_process"]

export(globals())
