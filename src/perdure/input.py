"""Input that people give to a flow run that waits for it: `pause_flow_run(wait_for_input=Approval)`."""

from perdure._execution.run_input import RunInput
from perdure._platform.moved import export

__all__ = ["RunInput"]

export(globals())
