"""The slices of data that runs of a deployment are about: `daily("2024-01-01")`, `static("no", "se")`."""

from perdure._model.errors import InvalidPartition
from perdure._platform.moved import export
from perdure._scheduling.partitions import Partition, Partitions, daily, hourly, monthly, product, static, weekly

__all__ = ["InvalidPartition", "Partition", "Partitions", "daily", "hourly", "monthly", "product", "static", "weekly"]

export(globals())
