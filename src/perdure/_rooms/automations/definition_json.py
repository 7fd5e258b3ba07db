"""Automations as they are stored."""

import json
from contextlib import suppress

from perdure._automations.definition import AutomationDefinition
from perdure._platform.clock import Micros
from perdure._platform.ids import new_id
from perdure._rooms.automations.port import Automation


def definition_text(definition: AutomationDefinition) -> str:
    """A definition as it is kept: the same for equal ones."""
    return json.dumps(definition.as_json(), sort_keys=True, ensure_ascii=False)


def definition_of(kept: Automation) -> AutomationDefinition | None:
    """What an automation says; None of one that a later version of Perdure has made."""
    with suppress(ValueError):
        return AutomationDefinition.model_validate_json(kept.definition)
    return None


def new_automation(name: str, definition: AutomationDefinition, now: Micros) -> Automation:
    """A new automation, that sees what comes from now on, and is evaluated at once: it may wait for a time."""
    return Automation(new_id(), name, definition_text(definition), None, now, now, "{}", 0, now, now)
