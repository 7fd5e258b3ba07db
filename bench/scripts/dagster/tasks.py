"""The workloads of one job, on an instance that keeps its events in the home.

A job's ops are declared beforehand, so that a loop is a dynamic output that is mapped; all are run in this process, one
after the other. What an op returns is kept by the job's IO manager, pickled into a file, so `seq` persists too.
"""

from collections.abc import Iterator
from pathlib import Path

from dagster import DagsterInstance, DynamicOut, DynamicOutput, fs_io_manager, job, op
from loop import main

HOME = Path("dagster")


@op(config_schema=int, out=DynamicOut(int))
def numbers(context) -> Iterator[DynamicOutput[int]]:  # type: ignore[no-untyped-def]
    for i in range(context.op_config):
        yield DynamicOutput(i, mapping_key=str(i))


@op
def plain(i: int) -> dict[str, int]:
    return {"i": i}


@job(resource_defs={"io_manager": fs_io_manager})
def mapped() -> None:
    numbers().map(plain)


def seq(count: int) -> int:
    HOME.mkdir(exist_ok=True)
    with DagsterInstance.local_temp(str(HOME.absolute())) as instance:
        result = mapped.execute_in_process(instance=instance, run_config={"ops": {"numbers": {"config": count}}})
        return len(result.output_for_node("plain"))


if __name__ == "__main__":
    main({"seq": seq})
