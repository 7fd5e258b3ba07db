__all__ = [
    "Async",
    "Sync",
    "run_sync_in_worker_thread",
]

class Async:
    ...

class Sync:
    ...

def run_sync_in_worker_thread(
    call: Callable[P, R],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Coroutine[object, object, R]: ...
