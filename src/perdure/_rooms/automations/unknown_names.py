"""What automations name that is not there: they may be made before it is, so it is said and not refused."""

from collections.abc import Callable, Iterator

from perdure._automations.definition import (
    AutomationDefinition,
    FileTrigger,
    Pause,
    Resume,
    RunDeployment,
)
from perdure._model.flow_names import deployment_spellings
from perdure._rooms.automations.port import Automations
from perdure._rooms.runs.records import RunFilter
from perdure._store.protocol import Orchestrator

_FIELDS = {"run.deployment": "deployment", "run.flow_name": "flow"}  # of events, whose values are names


def unknown_names(definition: AutomationDefinition, known: Orchestrator) -> list[str]:
    """A sentence for each deployment, flow, storage, work pool and automation that it names and that is not there."""
    there = known.deployments.all()
    deployments = {"/".join(names) for each in there for names in deployment_spellings(each.flow_name, each.name)}
    pools = {each.name for each in known.deployments.pools()}
    is_there: dict[str, Callable[[str], bool]] = {
        "deployment": deployments.__contains__,
        "flow": lambda name: (
            any(each.startswith(f"{name}/") for each in deployments)
            or bool(known.flow_runs(RunFilter(of=name, limit=1)))
        ),
        "storage": lambda slug: bool(known.blocks(*slug.split("/", 1))),
        "work pool": pools.__contains__,
        "automation": lambda name: known.room(Automations).named(name) is not None,
    }
    named = dict.fromkeys(_named(definition))
    return [f"There is no {kind} {name!r} by now." for kind, name in named if not is_there[kind](name)]


def _named(definition: AutomationDefinition) -> Iterator[tuple[str, str]]:
    """What it names, by kinds; without what only an event says, and what stands for many."""
    trigger = definition.trigger
    if isinstance(trigger, FileTrigger):
        if not trigger.is_address and not trigger.is_folder:
            yield "storage", trigger.storage
    else:
        for field, texts in trigger.wanted.items():
            if field in _FIELDS:
                yield from ((_FIELDS[field], text) for text in texts if not text.endswith("*"))
    for action in definition.actions:
        if isinstance(action, RunDeployment):
            given = [("deployment", action.deployment)]
        elif isinstance(action, Pause | Resume):
            one = {"deployment": action.deployment, "work pool": action.work_pool, "automation": action.automation}
            given = [(kind, text) for kind, text in one.items() if text is not None]
        else:
            continue
        yield from ((kind, text) for kind, text in given if "{event." not in text)
