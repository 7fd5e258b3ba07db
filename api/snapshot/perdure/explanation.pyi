__all__ = [
    "Component",
    "Explanation",
    "Involved",
    "explain",
    "explain_run",
]

class Component(NamedTuple):
    before: str | None
    @property
    def differs(self) -> bool: ...
    digest: str | None
    name: str
    of: Part
    shown: str | None = None
    shown_before: str | None = None
    @property
    def text(self) -> str: ...
    @property
    def text_before(self) -> str: ...

class Explanation:
    def __init__(
        self,
        *,
        run: Involved,
        kind: Literal['flow run', 'task run'],
        ran: bool,
        reason: Reason,
        verdict: str,
        advice: str | None = None,
        used: Involved | None = None,
        nearest: Involved | None = None,
        components: tuple[Component, ...] = (),
        changes: tuple[str, ...] = (),
        sources: tuple[tuple[str, Involved], ...] = (),
        cache_key: str | None = None,
        expires: Micros | None = None,
        unknown: tuple[str, ...] = (),
    ) -> None: ...
    advice: str | None = None
    cache_key: str | None = None
    changes: tuple[str, ...] = ()
    components: tuple[Component, ...] = ()
    expires: Micros | None = None
    kind: Literal['flow run', 'task run']
    nearest: Involved | None = None
    ran: bool
    reason: Reason
    run: Involved
    sources: tuple[tuple[str, Involved], ...] = ()
    unknown: tuple[str, ...] = ()
    used: Involved | None = None
    verdict: str

class Involved(NamedTuple):
    flow_run_id: str | None
    flow_run_name: str | None
    id: str
    name: str
    state: str | None
    time: Micros | None

def explain(run: str | UUID | State[object] | Pending) -> Explanation: ...

def explain_run(known: Orchestrator, run: FlowRun | TaskRun) -> Explanation: ...
