__all__ = [
    "AbsenceTrigger",
    "Automation",
    "AutomationError",
    "CancelRun",
    "EventTrigger",
    "FileTrigger",
    "Notify",
    "Pause",
    "RateLimit",
    "Resume",
    "RunDeployment",
]

class AbsenceTrigger(_OfEvents):
    after: Kinds | None
    by: Text | None
    deployment: Text | None
    expect: Kinds
    flow: Text | None
    for_each: Paths
    match: dict[Path, Patterns]
    model_config = ConfigDict(extra='forbid', frozen=True)
    @property
    def rule(self) -> CronRule: ...
    timezone: Text
    type: Literal['absence'] = 'absence'
    @property
    def wanted(self) -> Mapping[str, Sequence[str]]: ...
    within: Seconds

class Automation(NamedAutomation):
    def __init__(self, **given: Any) -> None: ...
    actions: Annotated[Sequence[Action], Field(min_length=1, max_length=20), _KEPT]
    def apply(self) -> Self: ...
    def as_json(self) -> dict[str, Any]: ...
    create = apply
    debounce: Seconds
    def delete(self) -> None: ...
    description: str = Field(default='', max_length=2000)
    model_config = ConfigDict(extra='forbid', frozen=True)
    name: Name
    def pause(self) -> None: ...
    rate_limit: RateLimit | None
    @classmethod
    def read(cls, name: str) -> Automation: ...
    def resume(self) -> None: ...
    trigger: Trigger

from perdure.errors import AutomationError as AutomationError

class CancelRun(_Said):
    do: Literal['cancel-run'] = 'cancel-run'
    model_config = ConfigDict(extra='forbid', frozen=True)
    run: Text

class EventTrigger(_OfEvents):
    deployment: Text | None
    expect: Kinds
    flow: Text | None
    for_each: Paths
    match: dict[Path, Patterns]
    model_config = ConfigDict(extra='forbid', frozen=True)
    threshold: int
    type: Literal['event'] = 'event'
    @property
    def wanted(self) -> Mapping[str, Sequence[str]]: ...
    within: Seconds

class FileTrigger(_Said):
    every: float
    @property
    def is_address(self) -> bool: ...
    @property
    def is_folder(self) -> bool: ...
    model_config = ConfigDict(extra='forbid', frozen=True)
    pattern: Text
    prefix: str
    storage: Text
    type: Literal['file'] = 'file'

class Notify(_Said):
    body: str = Field(default='', max_length=10000)
    do: Literal['notify'] = 'notify'
    model_config = ConfigDict(extra='forbid', frozen=True)
    subject: Text = '{event.kind}'

class Pause(_OfOne):
    automation: Text | None = None
    deployment: Text | None = None
    do: Literal['pause'] = 'pause'
    model_config = ConfigDict(extra='forbid', frozen=True)
    work_pool: Text | None = None

class RateLimit(_Said):
    count: int = Field(ge=1, le=1000)
    model_config = ConfigDict(extra='forbid', frozen=True)
    seconds: float = Field(gt=0, le=31 * _DAY, allow_inf_nan=False)

class Resume(_OfOne):
    automation: Text | None = None
    deployment: Text | None = None
    do: Literal['resume'] = 'resume'
    model_config = ConfigDict(extra='forbid', frozen=True)
    work_pool: Text | None = None

class RunDeployment(_Said):
    deployment: Text = Field(description='FLOW/NAME.')
    do: Literal['run-deployment'] = 'run-deployment'
    model_config = ConfigDict(extra='forbid', frozen=True)
    name: Text | None = Field(default=None, description="The run's name.")
    parameters: dict[str, JsonValue]
    partition: Text | None
    tags: Annotated[Sequence[Text], Field(max_length=100), _KEPT] = ()
