__all__ = [
    "RunLogger",
    "disable_logger",
    "disable_run_logger",
    "get_logger",
    "get_run_logger",
]

from perdure.logging import RunLogger as RunLogger

from perdure.logging import disable_logger as disable_logger

from perdure.logging import disable_run_logger as disable_run_logger

from perdure.logging import get_logger as get_logger

from perdure import get_run_logger as get_run_logger
