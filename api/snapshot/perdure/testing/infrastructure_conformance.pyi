__all__ = [
    "InfrastructureConformance",
]

class InfrastructureConformance:
    def another(self, infrastructure: Infrastructure) -> Infrastructure: ...
    def code_of(self, started: Started) -> int: ...
    def infrastructure(self) -> Infrastructure: ...
    def job(
        self,
        program: str,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        run: str | None = None,
        start: int = 1,
        **made_of: object,
    ) -> Job: ...
    made_of: Mapping[str, Any] = {}
    python = sys.executable
    def said_in(self, started: Started, text: str) -> None: ...
    def start(self, infrastructure: Infrastructure) -> Iterator[Callable[..., Started]]: ...
