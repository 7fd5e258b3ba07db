"""Why a run called its function, or did not: from the records of it and of the runs before it."""

from perdure._explanation.explain import explain, explain_run
from perdure._explanation.types import Component, Explanation, Involved
from perdure._platform.moved import export

__all__ = ["Component", "Explanation", "Involved", "explain", "explain_run"]

__path__: list[str] = []  # what was below it is found by its former name

export(globals())
