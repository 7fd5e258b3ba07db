__all__ = [
    "ServicesConformance",
]

class ServicesConformance:
    def orchestrator(self) -> Orchestrator: ...
