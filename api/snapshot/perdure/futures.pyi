__all__ = [
    "AsyncFuture",
    "DoneAndNotDone",
    "Future",
    "PrefectFuture",
    "as_completed",
    "wait",
]

from perdure import AsyncFuture as AsyncFuture

class DoneAndNotDone(NamedTuple):
    done: list[Any]
    not_done: list[Any]

from perdure import Future as Future

from perdure import Future as PrefectFuture

def as_completed(futures: Iterable[F], timeout: float | None = None) -> _Completed[F]: ...

def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone: ...
