"""The workloads of one workflow.

Every step's outcome is recorded, so `seq` persists too. A call that is submitted is a workflow of its own, as
a step cannot be; a cached one is a workflow that is called again with its id.
"""

from dbos import DBOS, DBOSConfig, SetWorkflowID
from loop import main

config: DBOSConfig = {"name": "bench", "system_database_url": "sqlite:///dbos.db"}
DBOS(config=config)


@DBOS.step()
def plain(i: int) -> dict[str, int]:
    return {"i": i}


@DBOS.workflow()
def alone(i: int) -> dict[str, int]:
    return {"i": i}


@DBOS.workflow()
def seq(count: int) -> int:
    for i in range(count):
        plain(i)
    return count


def submit(count: int) -> int:
    handles = [DBOS.start_workflow(alone, i) for i in range(count)]
    return sum(handle.get_result()["i"] for handle in handles)


def cache_hit(count: int) -> int:
    for i in range(count):
        with SetWorkflowID("always"):
            alone(i)
    return count


if __name__ == "__main__":
    DBOS.launch()
    main({"seq": seq, "submit": submit, "cache hit": cache_hit})
    DBOS.destroy()
