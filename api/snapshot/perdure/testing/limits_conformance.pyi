__all__ = [
    "LimitsConformance",
]

class LimitsConformance:
    def orchestrator(self) -> Orchestrator: ...
