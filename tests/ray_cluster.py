"""A Ray of this process, on this machine, whose workers tests may kill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest.mock import patch

import psutil

# Ray's own names: its processes ask each other for a token; its workers do not wait for whatever else runs here.
_ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_worker_niceness": "0"}
_BOARD = "ray::Board"  # beside who sends calls


@contextmanager
def ray_cluster() -> Iterator[None]:
    """Within the block, this process is connected to a Ray of two processors, which it takes seconds to start."""
    import ray

    if ray.is_initialized():
        yield
        return

    with patch.dict(os.environ, _ENVIRONMENT):
        ray.init(
            address="local",
            num_cpus=2,
            resources={"TPU": 1},
            object_store_memory=200_000_000,
            include_dashboard=False,
            log_to_driver=False,
        )
        try:
            yield
        finally:
            ray.shutdown()


def ray_workers() -> list[int]:
    """The processes in which tasks of this Ray run, or may."""
    return [pid for pid, title in _titles() if not title.startswith(_BOARD) and "Agent" not in title]


def ray_boards() -> list[int]:
    """The processes of the actors that know which worker runs what."""
    return [pid for pid, title in _titles() if title.startswith(_BOARD)]


def _titles() -> Iterator[tuple[int, str]]:
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it has ended
            title = " ".join(each.cmdline())
            if title.startswith("ray::"):
                yield each.pid, title
