"""Flows: the decorator and what it makes."""

from perdure._execution.flows import Flow, flow, load_flow_from_entrypoint
from perdure._platform.moved import export

__all__ = ["Flow", "flow", "load_flow_from_entrypoint"]

export(globals())
