"""What is said of each name of Luigi. Its classes of tasks are written anew as functions, by `luigi_functions`."""

from perdure._migration.rules import Decide, Move, Source

_PAGE = "coming-from/luigi.md"
_CLASS = Decide("Make `run` a function with @task, and `requires` calls of others in a flow.", f"{_PAGE}#tasks")
_PARAMETER = Decide("Parameters are the function's, with type hints.", f"{_PAGE}#parameters")
_TARGET = Decide("Return the value, with `persist_result=True` and a `result_storage_key`.", f"{_PAGE}#targets")


def _find(name: str) -> Move | Decide | None:
    last = name.rpartition(".")[2]
    if last.endswith("Parameter"):
        return _PARAMETER
    if last.endswith("Target"):
        return _TARGET
    if last.endswith("Task"):
        return _CLASS
    return Decide("Call the flow.", f"{_PAGE}#running") if last in ("build", "run") else None


LUIGI = Source("luigi", ("luigi",), _find)
