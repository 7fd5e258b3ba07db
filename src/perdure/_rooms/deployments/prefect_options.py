"""Options of deployments by the names that Prefect has for them: what they are here, or why they are refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from perdure._model.errors import DeploymentError
from perdure._platform.suggest import nearest
from perdure._rooms.deployments.port import Overlap

_NOTHING = (None, False)

# Options with the values that change nothing here, and what to do instead of another value.
_REFUSED: Mapping[str, tuple[tuple[object, ...], str]] = {
    "pause_on_shutdown": (
        _NOTHING,
        "Schedules are not paused when serving ends. Give them catchup='none', so that what is due meanwhile is not"
        " made up for, or stop them by `perdure deployment pause`.",
    ),
    "webserver": (_NOTHING, "Serving has no web server of its own. `perdure server start` has the page and the API."),
    "build": (_NOTHING, "Perdure builds no images. Build it by your own tools, and give image= with build=False."),
    "push": (_NOTHING, "Perdure pushes no images. Push it by your own tools, and give image= with push=False."),
    "enforce_parameter_schema": ((None, True), "Parameters are always checked by the flow's type hints."),
    "triggers": (
        (None, [], ()),
        "Triggers are automations' here: Automation(name=..., trigger=EventTrigger(...), actions=[RunDeployment(...)])"
        ".apply(), of perdure.automations.",
    ),
    "infrastructure": (
        (None,),
        "What runs start on is the work pool's: give work_pool_name=, and job_variables={'env': {...}}.",
    ),
    "storage": (
        (None,),
        "Code comes from a path, a bundle or a repository: source='bundle', or flow.from_source(source, entrypoint).",
    ),
}
# Options that say how Prefect does something that there is no choice about here.
_IGNORED = frozenset(
    [
        *("entrypoint_type", "ignore_warnings", "print_next_steps", "print_next_steps_message", "version_type"),
        *("skip_upload", "load_existing", "ignore_file", "output", "path", "entrypoint", "manifest_path"),
    ]
)


class ConcurrencyLimitStrategy(StrEnum):
    """What becomes of a run beyond the limit: it waits, or is skipped."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


@dataclass(frozen=True)
class ConcurrencyLimitConfig:
    """How many runs of a deployment run at once, and what becomes of others: they wait, or are skipped."""

    limit: int
    collision_strategy: str = ConcurrencyLimitStrategy.ENQUEUE

    @property
    def overlap(self) -> Overlap:
        """The overlap policy that it is."""
        return overlap_of(self.collision_strategy)


def overlap_of(strategy: object) -> Overlap:
    """The overlap policy that one of Prefect's collision strategies is."""
    text = str(getattr(strategy, "value", strategy)).rpartition(".")[2].upper()
    if text not in ("ENQUEUE", "CANCEL_NEW"):
        raise DeploymentError(f"collision_strategy= is 'ENQUEUE' or 'CANCEL_NEW', not {strategy!r}.")
    return "skip" if text == "CANCEL_NEW" else "queue"


def translated(options: Mapping[str, object]) -> dict[str, Any]:
    """Options by the names that they have here.

    Raises:
        DeploymentError: one asks for what there is not; says what to do instead.
        TypeError: one is unknown.
    """
    made: dict[str, object] = {}
    image, build = options.get("image"), options.get("build")
    if image is not None and build is not False:
        raise DeploymentError(f"image={image!r}: {_REFUSED['build'][1]}")
    for name, value in options.items():
        if name in _REFUSED:
            fine, instead = _REFUSED[name]
            if value not in fine:
                raise DeploymentError(f"{name}={value!r}: {instead}")
        elif name == "is_schedule_active":
            made |= {} if value is None else {"paused": not value}
        elif name == "image":
            made["image"] = None if value is None else str(value)
        elif name == "infra_overrides":
            made["job_variables"] = value
        elif name not in _IGNORED:
            known = ["is_schedule_active", "image", "infra_overrides", *_REFUSED, *_IGNORED]
            raise TypeError(f"A deployment has no option {name!r}.{nearest(name, known) or ''}")
    return made
