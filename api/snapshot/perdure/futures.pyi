__all__ = [
    "AsyncFuture",
    "DoneAndNotDone",
    "Future",
    "PrefectFuture",
    "PrefectFutureList",
    "as_completed",
    "wait",
]

from perdure import AsyncFuture as AsyncFuture

class DoneAndNotDone(NamedTuple):
    done: list[Future[Any]]
    not_done: list[Future[Any]]

from perdure import Future as Future

from perdure import Future as PrefectFuture

class PrefectFutureList(Mapped[R], Sequence[Future[R]]):
    def __init__(
        self,
        name: str,
        submit: Submit,
        rows: Iterator[Parameters],
        total: int | None,
        loop: Any,
        window: int = WINDOW,
    ) -> None: ...
    async def ablock(self) -> None: ...
    async def afinish(self, end: float | None = None, fails_fast: bool = False) -> bool: ...
    def block(self, _: float | None = None) -> None: ...
    def finish(self, end: float | None = None, fails_fast: bool = False) -> bool: ...
    @property
    def is_done(self) -> bool: ...
    def members(self) -> Iterator[Pending]: ...
    @overload
    def result(self, timeout: float | None = None, raise_on_failure: Literal[True] = True) -> list[R]: ...
    @overload
    def result(
        self,
        timeout: float | None = None,
        raise_on_failure: bool = True,
    ) -> list[R | BaseException]: ...
    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any: ...
    def states(self) -> list[State[R]]: ...
    def stop(self) -> None: ...
    @property
    def unfinished(self) -> int: ...
    def wait(self, timeout: float | None = None) -> bool: ...

def as_completed(futures: Iterable[F], timeout: float | None = None) -> _Completed[F]: ...

def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone: ...
