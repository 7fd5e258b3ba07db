"""What is kept of a variable."""

from typing import NamedTuple

from perdure._model.fields import Json
from perdure._platform.clock import Micros


class VariableRecord(NamedTuple):
    """A value that flows share by its name."""

    name: str
    value: Json  # JSON
    created: Micros
    updated: Micros
