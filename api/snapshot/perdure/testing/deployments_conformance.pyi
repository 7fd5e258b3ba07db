__all__ = [
    "DeploymentsConformance",
]

class DeploymentsConformance:
    def orchestrator(self) -> Orchestrator: ...
