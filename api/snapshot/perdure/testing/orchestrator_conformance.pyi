__all__ = [
    "OrchestratorConformance",
]

class OrchestratorConformance(RunsConformance, ResultsConformance, CacheConformance):
    def orchestrator(self) -> Orchestrator: ...
