"""`quote`, by another of its paths in Prefect."""

from perdure._model.argument_marks import quote
from perdure._platform.moved import export

__all__ = ["quote"]

export(globals())
