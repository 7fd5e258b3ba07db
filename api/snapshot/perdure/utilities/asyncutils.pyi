__all__ = [
    "Async",
    "Sync",
    "is_async_fn",
    "run_sync_in_worker_thread",
]

class Async:
    ...

class Sync:
    ...

def is_async_fn(func: Callable[..., object]) -> bool: ...

def run_sync_in_worker_thread(
    call: Callable[P, R],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Coroutine[object, object, R]: ...
