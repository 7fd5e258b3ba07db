__all__ = [
    "AutomationsConformance",
]

class AutomationsConformance:
    def orchestrator(self) -> Orchestrator: ...
    def room(self, orchestrator: Orchestrator) -> Automations: ...
