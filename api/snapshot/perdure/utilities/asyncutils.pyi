__all__ = [
    "Async",
    "Sync",
    "is_async_fn",
    "run_coro_as_sync",
    "run_sync_in_worker_thread",
]

class Async:
    ...

class Sync:
    ...

def is_async_fn(func: Callable[..., object]) -> bool: ...

def run_coro_as_sync(
    coroutine: Coroutine[object, object, T],
    *,
    force_new_thread: bool = False,
) -> T: ...

def run_sync_in_worker_thread(
    call: Callable[P, R],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Coroutine[object, object, R]: ...
