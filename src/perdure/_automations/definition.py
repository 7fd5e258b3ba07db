"""What an automation is: what it waits for, and what is done then. As pydantic models: what is kept is their JSON."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from perdure._platform.storage_urls import plain_place
from perdure._scheduling.cron_and_intervals import CronRule

MOST_KEYS = 10_000  # of `for_each`, that are counted apart at a time; those that came first are forgotten
_NAME = r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$"
_KIND = re.compile(r"[^\s*,\x00-\x1f]+\*?|\*")
_PATH = re.compile(r"[^\s{}.]+(\.[^\s{}.]+)*")
_SLUG = re.compile(r"[^/\s]+/[^/\s]+")
_DAY = 86_400.0


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _kind(text: str) -> str:
    if not _KIND.fullmatch(text):
        raise ValueError(f"{text!r} is no kind of event: write such as 'flow-run.failed', 'order.*' or '*'")
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError(f"{text!r} is no field of an event: write such as 'run.flow_name' or 'payload.path'")
    return text


_ONE_OR_MORE = BeforeValidator(_listed, json_schema_input_type=str | list[str])
_KEPT = AfterValidator(tuple)  # whatever was given: frozen, and equal to the same of another kind
Kinds = Annotated[
    Sequence[Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_kind)]],
    Field(min_length=1, max_length=30),
    _ONE_OR_MORE,
    _KEPT,
]
Path = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_path)]
Paths = Annotated[Sequence[Path], Field(max_length=10), _ONE_OR_MORE, _KEPT]
Patterns = Annotated[Sequence[str], Field(min_length=1, max_length=100), _ONE_OR_MORE, _KEPT]
Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Seconds = Annotated[float, Field(ge=0, le=366 * _DAY, allow_inf_nan=False)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _OfEvents(_Said):
    """Which events count."""

    expect: Kinds = Field(description='Kinds of events, such as "flow-run.failed"; a * at the end stands for any.')
    match: dict[Path, Patterns] = Field(
        default={},
        max_length=50,
        description='What fields of the event must be, such as {"run.flow_name": "report"}; one of several texts, and a'
        " * at the end stands for any.",
    )
    deployment: Text | None = Field(default=None, description="Only of runs of this deployment: FLOW/NAME.")
    flow: Text | None = Field(default=None, description="Only of runs of this flow.")
    for_each: Paths = Field(
        default=(), description='Count apart for each value of these fields, such as "run.partition".'
    )

    @property
    def wanted(self) -> Mapping[str, Sequence[str]]:
        """What fields of an event must be: of `match`, `deployment` and `flow`."""
        chosen = {"run.deployment": self.deployment, "run.flow_name": self.flow}
        return {**self.match, **{path: (text,) for path, text in chosen.items() if text is not None}}


class EventTrigger(_OfEvents):
    """Fires when an event comes that matches; with `threshold`, when so many came `within` so many seconds."""

    type: Literal["event"] = "event"
    threshold: int = Field(default=1, ge=1, le=1_000, description="How many events it takes.")
    within: Seconds = Field(default=0, description="Seconds within which they come; with a threshold above 1.")

    @model_validator(mode="after")
    def _counts_in_time(self) -> "EventTrigger":
        if (self.threshold > 1) != (self.within > 0):
            raise ValueError("threshold above 1 and within go together: threshold=3, within=600")
        return self


class AbsenceTrigger(_OfEvents):
    """Fires when an event that matches has not come in time.

    Either `by` a time: at each tick of a cron expression, unless one has come since the tick before, or `within` so
    many seconds before it. Or `after` another event that matches: if none came `within` so many seconds.
    """

    type: Literal["absence"] = "absence"
    by: Text | None = Field(default=None, description="A cron expression: the times by which one is to have come.")
    timezone: Text = Field(default="UTC", description="Of `by`, such as Europe/Oslo.")
    after: Kinds | None = Field(default=None, description="Kinds of events after which one is to come.")
    within: Seconds = Field(default=0, description="Seconds: after the event, or before the time.")

    @model_validator(mode="after")
    def _has_one_time(self) -> "AbsenceTrigger":
        if (self.by is None) == (self.after is None):
            raise ValueError("give either by (a cron expression) or after (an event)")
        if self.after is not None and not self.within:
            raise ValueError("after needs within, the seconds in which the event is to come")
        if self.by is not None:
            if self.for_each:
                raise ValueError("for_each goes with after: by a time, nobody knows for which values one is to come")
            _ = self.rule
        return self

    @property
    def rule(self) -> CronRule:
        """The times of `by`."""
        return CronRule(self.by or "", self.timezone)


class FileTrigger(_Said):
    """Fires when a file appears in a folder, or an object in a storage; or another version of one.

    What is there already when the automation is made does not count. A file in a folder counts once it has not changed
    from one look to the next: whoever writes it has the time to end. An object of an object store counts at once.
    """

    type: Literal["file"] = "file"
    storage: Text = Field(
        description="The slug of a saved storage, such as s3/dev; an address, such as s3://bucket/prefix; or the"
        " absolute path of a folder."
    )
    prefix: str = Field(default="", max_length=1_000, description="Only what begins so: raw/orders/.")
    pattern: Text = Field(default="*", description="Only what is called so, after the prefix: *.csv.")
    every: float = Field(default=10, ge=1, le=_DAY, allow_inf_nan=False, description="Seconds between two looks.")

    @model_validator(mode="after")
    def _names_a_place(self) -> "FileTrigger":
        if self.is_address:
            if plain_place(self.storage) is None or self.storage.startswith("file:"):
                raise ValueError(
                    f"storage {self.storage!r} is no plain address such as 's3://bucket/prefix'. Save a storage"
                    " with these settings, and give its slug; of a folder of the machine, give the absolute path"
                )
        elif not self.is_folder and not _SLUG.fullmatch(self.storage):
            raise ValueError(
                f"storage {self.storage!r} is no slug such as 's3/dev', no address such as 's3://bucket/prefix', and no"
                " absolute path of a folder"
            )
        return self

    @property
    def is_address(self) -> bool:
        """Whether it looks where an address leads, with the credentials of the server's environment."""
        return "://" in self.storage

    @property
    def is_folder(self) -> bool:
        """Whether it looks into a folder of its machine."""
        return PurePath(self.storage).is_absolute()


Trigger = Annotated[EventTrigger | AbsenceTrigger | FileTrigger, Field(discriminator="type")]


class RunDeployment(_Said):
    """Create a run of a deployment."""

    do: Literal["run-deployment"] = "run-deployment"
    deployment: Text = Field(description="FLOW/NAME.")
    parameters: dict[str, JsonValue] = Field(
        default={}, description='They replace those of the deployment; "{event.payload.path}" stands for a field.'
    )
    partition: Text | None = Field(default=None, description='A partition, such as "{event.run.partition}".')
    name: Text | None = Field(default=None, description="The run's name.")
    tags: Annotated[Sequence[Text], Field(max_length=100), _KEPT] = ()


class _OfOne(_Said):
    deployment: Text | None = None
    work_pool: Text | None = None
    automation: Text | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "_OfOne":
        named = [each for each in (self.deployment, self.work_pool, self.automation) if each is not None]
        if len(named) != 1:
            raise ValueError("name one of deployment, work_pool and automation")
        return self


class Pause(_OfOne):
    """Pause the schedules of a deployment, a work pool, or an automation."""

    do: Literal["pause"] = "pause"


class Resume(_OfOne):
    """Resume the schedules of a deployment, a work pool, or an automation."""

    do: Literal["resume"] = "resume"


class CancelRun(_Said):
    """Cancel a flow run: that of the event, or another one by its id."""

    do: Literal["cancel-run"] = "cancel-run"
    run: Text = Field(default="{event.run.id}", description="A flow run's id.")


class Notify(_Said):
    """Emit the event `automation.NAME`, which webhooks and notifications deliver that subscribe to it."""

    do: Literal["notify"] = "notify"
    subject: Text = "{event.kind}"
    body: str = Field(default="", max_length=10_000)


Action = Annotated[RunDeployment | Pause | Resume | CancelRun | Notify, Field(discriminator="do")]


class RateLimit(_Said):
    """How often an automation acts at most."""

    count: int = Field(ge=1, le=1_000)
    seconds: float = Field(gt=0, le=31 * _DAY, allow_inf_nan=False)


class AutomationDefinition(_Said):
    """What an automation waits for, and what it does then."""

    trigger: Trigger
    actions: Annotated[Sequence[Action], Field(min_length=1, max_length=20), _KEPT]
    description: str = Field(default="", max_length=2_000)
    debounce: Seconds = Field(
        default=0, description="Seconds of quiet that it waits for, and acts once on all events before."
    )
    rate_limit: RateLimit | None = Field(default=None, description="How often it acts at most; others are logged.")

    def as_json(self) -> dict[str, Any]:
        """As it is stored, without what is as usual; the same for equal definitions."""
        said = self.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
        said["trigger"]["type"] = self.trigger.type
        for each, action in zip(said["actions"], self.actions, strict=True):
            each["do"] = action.do
        return said


Name = Annotated[str, Field(pattern=_NAME, max_length=100, description="Small letters, digits and - _ .")]


class NamedAutomation(AutomationDefinition):
    """The same, with what it is known by."""

    name: Name
