"""Fields as a dict, by the names of pydantic's methods."""

from collections.abc import Mapping
from typing import ClassVar


class Dumped:
    """Has what users of Prefect ask runs for, as a dict, too: `run.dict()["name"]`."""

    __slots__ = ()

    dumped: ClassVar[tuple[str, ...]] = ()  # the names in the dict

    def model_dump(self) -> Mapping[str, object]:
        """The fields by name, as Python objects."""
        return {name: getattr(self, name) for name in self.dumped}

    dict = model_dump
