__all__ = [
    "Flow",
    "flow",
    "load_flow_from_entrypoint",
]

from perdure import Flow as Flow

from perdure import flow as flow

def load_flow_from_entrypoint(entrypoint: str) -> Flow[..., Any]: ...
