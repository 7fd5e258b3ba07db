"""The current run, for the code in it: `from perdure.runtime import flow_run, task_run, deployment, partition`.

For tests of code that asks, the environment may say it instead: `PERDURE__RUNTIME__FLOW_RUN__NAME=nightly`.
"""

from perdure._execution.current_runs import deployment, flow_run, items_done, partition, task_run
from perdure._platform.moved import export

__all__ = ["deployment", "flow_run", "items_done", "partition", "task_run"]

export(globals())
