"""What is kept of a variable."""

from perdure._model.fields import Json
from perdure._platform.clock import Micros
from perdure._platform.named import NamedTuple


class VariableRecord(NamedTuple):
    """A value that flows share by its name."""

    name: str
    value: Json  # JSON
    created: Micros
    updated: Micros
