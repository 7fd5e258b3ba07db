__all__ = [
    "TaskRunnerConformance",
]

class TaskRunnerConformance:
    has_workers = True
    def runner(self) -> TaskRunner: ...
    shares_memory = False
