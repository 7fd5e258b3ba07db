"""What waits of a deployment's schedules, in words."""

from perdure._rooms.deployments.port import Deployment, Deployments
from perdure._settings import settings
from perdure.cli.output import full_time, plural


def waiting_text(of: Deployment, known: Deployments) -> str | None:
    """How many runs of its schedules wait, and what becomes of the next ticks; None if none does."""
    found = next((each for each in known.waiting([of.work_pool]) if each.deployment_id == of.id), None)
    if found is None:
        return None
    most = settings.current().schedules_waiting_limit
    held = f"; with {most} its ticks wait, too, and are then made up for by catchup" if most else ""
    return f"{plural(found.runs, 'run')} of its schedules, the first due since {full_time(found.first)}{held}"
