__all__ = [
    "OrchestratorConformance",
]

class OrchestratorConformance:
    def orchestrator(self) -> Orchestrator: ...
