"""Automations that code makes: `Automation(name=..., trigger=..., actions=[...]).apply()`."""

import json
from typing import Any, Self

from pydantic import ValidationError

from perdure._automations.definition import NamedAutomation
from perdure._model.errors import AutomationError, reasons
from perdure._platform.suggest import nearest
from perdure._rooms.automations.definition_json import new_automation
from perdure._rooms.automations.port import Automation as Kept
from perdure._rooms.automations.port import Automations
from perdure._session import session as sessions


class Automation(NamedAutomation):
    """What is done when an event comes, or does not come in time: by a server, or by `serve` and workers without one.

    Args:
        name: What it is known by: small letters, digits and '-', '_', '.'.
        trigger: An `EventTrigger`, an `AbsenceTrigger` or a `FileTrigger`.
        actions: What is done, in order: `RunDeployment`, `Pause`, `Resume`, `CancelRun`, `Notify`. Of one that fails
            the log says why, and the others are done.
        description: For people.
        debounce: Seconds without another event that it waits for; then it acts once, on the last one.
        rate_limit: How often it acts at most: `RateLimit(count=5, seconds=3600)`.

    Raises:
        AutomationError: a value is not as it must be; says which, and the rule.
    """

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise AutomationError(f"The automation {given.get('name')!r} is not valid: {reasons(error)}.") from None

    def apply(self) -> Self:
        """Keep it, or change the one with its name. It sees the events that come from then on.

        What it has counted stays if nothing changes; a person's pause stays.
        """
        session = sessions.current()
        session.orchestrator.room(Automations).put(new_automation(self.name, self, session.clock()))
        return self

    create = apply

    @classmethod
    def read(cls, name: str) -> "Automation":
        """The automation with a name.

        Raises:
            AutomationError: there is none.
        """
        kept = automation_named(name)
        return cls(name=kept.name, **json.loads(kept.definition))

    def pause(self) -> None:
        """Have it see nothing, until it is resumed.

        Raises:
            AutomationError: it is not there.
        """
        pause_automation(self.name, paused=True)

    def resume(self) -> None:
        """Have it see what comes from now on.

        Raises:
            AutomationError: it is not there.
        """
        pause_automation(self.name, paused=False)

    def delete(self) -> None:
        """Forget it, with its log.

        Raises:
            AutomationError: it is not there.
        """
        sessions.current().orchestrator.room(Automations).delete(automation_named(self.name).id)


def automation_named(name: str) -> Kept:
    """The automation with a name, as it is kept.

    Raises:
        AutomationError: there is none.
    """
    room = sessions.current().orchestrator.room(Automations)
    found = room.named(name)
    if found is None:
        hint = nearest(name, [each.name for each in room.all()])
        raise AutomationError(f"There is no automation {name!r}.{hint or ' `perdure automation ls` lists them.'}")
    return found


def pause_automation(name: str, paused: bool) -> None:
    """Have an automation see nothing, or see what comes from now on.

    Raises:
        AutomationError: there is none.
    """
    session = sessions.current()
    session.orchestrator.room(Automations).pause(automation_named(name).id, paused, session.clock())
