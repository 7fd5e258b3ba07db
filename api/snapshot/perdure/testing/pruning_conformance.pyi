__all__ = [
    "PruningConformance",
]

class PruningConformance:
    def orchestrator(self) -> Orchestrator: ...
