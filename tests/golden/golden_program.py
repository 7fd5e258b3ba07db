"""The program that wrote the golden home, with the values of Perdure's own classes in its arguments and results."""

import os
import sys
from pathlib import Path
from typing import Any

from perdure import flow, quote, states, task
from perdure.blocks.system import Secret
from perdure.cache_policies import INPUTS
from perdure.errors import ResultMissing, UpstreamTaskError
from perdure.filesystems import S3, LocalFileSystem
from perdure.results import Retention
from perdure.states import State, StateType
from perdure.variables import Variable

CALLED = "CALLED"  # names a file to which each step that really runs adds its name


def note(step: str) -> None:
    """Add a line to the file that says which steps have run."""
    with Path(os.environ[CALLED]).open("a") as file:
        file.write(f"{step}\n")


@task(persist_result=True, result_serializer="pickle")
def first(storage: LocalFileSystem, kind: StateType) -> list[Any]:
    note("first")
    return [storage, kind, Retention(), states.Completed(message="within")]


@task(persist_result=True, result_serializer="json")
def fails() -> None:
    note("fails")
    raise UpstreamTaskError("as it was")


@task(persist_result=True)
def items() -> Any:
    note("items")
    yield 1
    yield S3(bucket_path="b/p")
    return "returned"


@task(cache_policy=INPUTS, persist_result=True)
def cached(storage: Any, marked: Any, kind: StateType) -> str:
    note("cached")
    return f"of {kind.value}"


@task(persist_result=True)
def last(done: int) -> str:
    note("last")
    return f"{done} done"


@flow(persist_result=True)
def durable(storage: LocalFileSystem, kind: StateType, error: Exception) -> str:
    done = [first(storage, kind), fails(return_state=True), list(items())]
    if "--crash" in sys.argv:
        os._exit(1)
    return last(len(done))


@flow(persist_result=True)
def plain() -> State[Any]:
    cached(LocalFileSystem(basepath="/data"), quote([1]), StateType.RUNNING)
    return states.Completed(message="by hand", data={"error": ResultMissing("gone"), "kind": StateType.PAUSED})


if __name__ == "__main__":
    Secret(value="hidden").save("token")
    LocalFileSystem(basepath="/data").save("data")
    Variable.set("size", [1, {"a": 2}])
    plain()
    durable(LocalFileSystem(basepath="/data"), StateType.PAUSED, ResultMissing("an argument"))
