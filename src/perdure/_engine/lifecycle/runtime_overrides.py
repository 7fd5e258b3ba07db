"""What the environment says of a run, for tests of code that asks: `PERDURE__RUNTIME__FLOW_RUN__NAME=nightly`."""

import json
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from perdure._model.errors import SettingError
from perdure._settings.settings import RUNTIME_PREFIX

_READ: dict[str, Callable[[str], object]] = {
    "parameters": json.loads,
    "tags": json.loads,
    "run_count": int,
    **dict.fromkeys(("scheduled_start_time", "scheduled_time", "start", "end"), datetime.fromisoformat),
}
_A_TIME = "a time such as 2026-05-01T12:00:00+00:00"
_RULES = {
    "run_count": "a whole number",
    **dict.fromkeys(("scheduled_start_time", "scheduled_time", "start", "end"), _A_TIME),
}


class FromEnvironment:
    """Goes before a view: what is in the environment hides what the view would say."""

    _variables: str  # what they are named by, after the prefix

    @property
    def __all__(self) -> list[str]:
        """The names of what may be asked for: for Prefect's users, it is a module."""
        return [name for name in dir(self) if not name.startswith("_")]

    def __getattribute__(self, name: str) -> object:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        variable = f"{RUNTIME_PREFIX}{self._variables}__{name.upper()}"
        text = os.environ.get(variable)
        if text is None:
            return super().__getattribute__(name)
        return _value(name, variable, text)


def _value(name: str, variable: str, text: str) -> Any:
    try:
        return _READ.get(name, str)(text)
    except ValueError:
        rule = _RULES.get(name, "JSON")
        raise SettingError(f"{variable} is {text!r}; it must be {rule}. Change it, or unset it.") from None
