__all__ = [
    "RunHandler",
    "RunLogger",
    "disable_logger",
    "disable_run_logger",
    "get_logger",
    "get_run_logger",
]

class RunHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None: ...

class RunLogger(logging.LoggerAdapter[logging.Logger]):
    def __init__(self, run: RunContext, extra: Mapping[str, object] | None = None) -> None: ...
    def isEnabledFor(self, level: int) -> bool: ...
    def process(
        self,
        msg: object,
        kwargs: MutableMapping[str, Any],
    ) -> tuple[Any, MutableMapping[str, object]]: ...

def disable_logger(name: str) -> Iterator[None]: ...

def disable_run_logger() -> AbstractContextManager[None]: ...

def get_logger(name: str | None = None) -> logging.Logger: ...

from perdure import get_run_logger as get_run_logger
