"""Values that flows share by name: `Variable.set("batch-size", 500)`, `Variable.get("batch-size")`."""

from perdure._platform.moved import export
from perdure._rooms.variables.variable import Variable, checked_variable, get

__all__ = ["Variable", "checked_variable", "get"]

export(globals())
