"""How long a run's result is kept: its own retention, or that of the nearest run above it."""

import json

from perdure._model.retention import Retention
from perdure._run.context import RunContext


def retention_of(run: RunContext) -> str | None:
    """The limits for a run's result as JSON, with whose they are; None leaves them to the settings.

    `of` names the flow or task that was given them: all its results share the limit of size. `run` is the run
    that they are counted with: the flow run that was given them, or the outermost one around a task.
    """
    above: RunContext | None = run
    while above is not None:
        if above.options.result_retention is not None:
            return _text(above, above.options.result_retention)
        above = above.parent
    return None


def _text(giver: RunContext, retention: Retention) -> str:
    flow = giver.flow
    counted = giver if giver.is_flow or flow is None else flow.root
    of = f"{'flow' if giver.is_flow else 'task'} {giver.options.name}"
    return json.dumps({**retention.limits(), "of": of, "run": counted.id})
