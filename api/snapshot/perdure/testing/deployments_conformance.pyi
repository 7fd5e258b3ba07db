__all__ = [
    "DeploymentsConformance",
]

class DeploymentsConformance(PlacesConformance):
    def orchestrator(self) -> Orchestrator: ...
