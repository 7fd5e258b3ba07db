__all__ = [
    "Crash",
    "Ending",
    "Killed",
    "crash_points",
    "killed",
    "outcome_of",
    "root_run",
]

class Crash:
    def __init__(self, flow: Flow[..., Any], again: Callable[[], object], ending: Ending) -> None: ...
    effects: object
    def resume(self, *, retry_failed: bool = False) -> Any: ...
    @property
    def run(self) -> FlowRun | None: ...

class Ending(NamedTuple):
    effects: tuple[str, ...]
    killed: bool
    value: Any

class Killed(BaseException):
    ...

def crash_points(
    flow: Flow[..., Any],
    /,
    *args: object,
    flushed: bool = False,
    most: int = 10000,
    **kwargs: object,
) -> Iterator[Crash]: ...

def killed(
    call: Callable[[], object],
    *,
    before: int | None,
    flushed: bool = False,
    clock: Clock = system_clock,
) -> Ending: ...

def outcome_of(call: Callable[[], object]) -> Any: ...

def root_run() -> FlowRun | None: ...
