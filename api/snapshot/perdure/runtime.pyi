__all__ = [
    "deployment",
    "flow_run",
    "items_done",
    "partition",
    "task_run",
]

deployment: object

flow_run: object

def items_done() -> int: ...

partition: object

task_run: object
