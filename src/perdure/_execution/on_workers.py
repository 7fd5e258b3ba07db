"""What runs batches on the workers of clusters: functions that runners, which are of a layer below, send there."""

from collections.abc import Sequence
from typing import Any

from perdure._platform import providers
from perdure._results.worker_values import Packed

__all__: list[str] = []


def run_on_dask(batch: str, client: str, payload: bytes, *held: Packed) -> Any:
    """On a worker of Dask: see `dask_worker.run`."""
    from perdure._execution import dask_worker

    return dask_worker.run(batch, client, payload, held)


def run_on_ray(batch: str, board: object, payload: bytes, held: Sequence[object]) -> Any:
    """On a worker of Ray: see `ray_worker.run`."""
    from perdure._execution import ray_worker

    return ray_worker.run(batch, board, payload, held)


providers.set_on_workers({"dask": run_on_dask, "ray": run_on_ray})
