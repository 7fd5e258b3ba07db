"""Where submitted tasks run."""

from typing import TYPE_CHECKING

from perdure._platform.moved import export
from perdure._runners.threads import SequentialTaskRunner, ThreadTaskRunner

if TYPE_CHECKING:  # few programs need them; the others start faster
    from perdure._runners.dask import DaskTaskRunner
    from perdure._runners.processes import ProcessTaskRunner
    from perdure._runners.ray import RayTaskRunner

    ProcessPoolTaskRunner = ProcessTaskRunner

ConcurrentTaskRunner = ThreadTaskRunner  # the name that users of Prefect 2 know
ThreadPoolTaskRunner = ThreadTaskRunner  # and of Prefect 3

__all__ = [
    "ConcurrentTaskRunner",
    "DaskTaskRunner",
    "ProcessPoolTaskRunner",
    "ProcessTaskRunner",
    "RayTaskRunner",
    "SequentialTaskRunner",
    "ThreadPoolTaskRunner",
    "ThreadTaskRunner",
]


def __getattr__(name: str) -> object:
    if name == "DaskTaskRunner":
        from perdure._runners.dask import DaskTaskRunner

        globals().update(DaskTaskRunner=DaskTaskRunner)
        export(globals())
        return DaskTaskRunner
    if name == "RayTaskRunner":
        from perdure._runners.ray import RayTaskRunner

        globals().update(RayTaskRunner=RayTaskRunner)
        export(globals())
        return RayTaskRunner
    if name not in ("ProcessTaskRunner", "ProcessPoolTaskRunner"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from perdure._runners.processes import ProcessTaskRunner

    globals().update(ProcessTaskRunner=ProcessTaskRunner, ProcessPoolTaskRunner=ProcessTaskRunner)
    export(globals())
    return ProcessTaskRunner


__path__: list[str] = []  # what was below it is found by its former name

export(globals())
