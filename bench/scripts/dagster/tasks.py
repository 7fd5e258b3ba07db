"""The workloads of one job, on an instance that keeps its events in the home.

A job's ops are declared beforehand, so each call is an op with a name of its own; all are run in this process, one
after the other. What an op returns is kept by the job's IO manager, pickled into a file, so `seq` persists too.
"""

from pathlib import Path

from dagster import DagsterInstance, JobDefinition, fs_io_manager, job, op
from loop import main

HOME = Path("dagster")


@op
def plain() -> dict[str, int]:
    return {"i": 1}


def job_of(count: int) -> JobDefinition:
    @job(resource_defs={"io_manager": fs_io_manager})
    def calls() -> None:
        for i in range(count):
            plain.alias(f"plain_{i}")()

    return calls


def seq(count: int) -> int:
    HOME.mkdir(exist_ok=True)
    with DagsterInstance.local_temp(str(HOME.absolute())) as instance:
        assert job_of(count).execute_in_process(instance=instance).success
    return count


if __name__ == "__main__":
    main({"seq": seq})
