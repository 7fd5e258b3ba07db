"""Settings as objects: `from perdure.settings import PERDURE_API_URL`, `PERDURE_API_URL.value()`.

The names that users of Prefect know, such as `PREFECT_API_URL`, stand for the settings that mean the same here.
"""

from collections.abc import Callable
from typing import Any

from perdure._platform.suggest import nearest
from perdure._settings.fields import PREFIX, SETTINGS, Secret, Setting, Settings

_PREFECT = "PREFECT_"
_SAME = {  # by Prefect's name; those that are spelled alike need no line
    "API_KEY": "api_token",
    "API_DATABASE_CONNECTION_URL": "database",
    "LOGGING_TO_API_ENABLED": "logging_to_orchestrator",
    "UI_URL": "api_url",  # the server's page is at its address
    "TASK_RUNNER_THREAD_POOL_MAX_WORKERS": "task_runner_max_workers",
}


class NamedSetting:
    """A setting by its name: its value is what holds when it is asked for. It is true if its value is."""

    __slots__ = ("_current", "setting")

    def __init__(self, setting: Setting, current: Callable[[], Settings]) -> None:
        self.setting = setting
        self._current = current

    @property
    def name(self) -> str:
        """Its name in the environment and in profiles."""
        return self.setting.variable

    @property
    def field(self) -> str:
        """Its name in `perdure.settings.current()`."""
        return self.setting.name

    def value(self) -> Any:
        """What holds in this process now; a secret as its text.

        Raises:
            SettingError: a value is wrong, or the profile is.
        """
        return self.value_from(self._current())

    def value_from(self, settings: Settings) -> Any:
        """What it is in some settings; a secret as its text."""
        value = getattr(settings, self.setting.name)
        return value.reveal() if isinstance(value, Secret) else value

    def __bool__(self) -> bool:
        return bool(self.value())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedSetting) and other.setting.name == self.setting.name

    def __hash__(self) -> int:
        return hash(self.setting.name)

    def __repr__(self) -> str:
        return f"<setting {self.name}>"


def find_named(name: str, current: Callable[[], Settings]) -> NamedSetting:
    """The setting that is imported by a name, ours or Prefect's.

    Raises:
        AttributeError: there is none; names the nearest.
    """
    for prefix in (PREFIX, _PREFECT):
        if name.startswith(prefix):
            known = name.removeprefix(prefix)
            field = _SAME.get(known, known.lower()) if prefix == _PREFECT else known.lower()
            if field in SETTINGS:
                return NamedSetting(SETTINGS[field], current)
            hint = nearest(PREFIX + known, [each.variable for each in SETTINGS.values()])
            raise AttributeError(f"There is no setting {name!r}.{hint} `perdure config view` lists all.")
    raise AttributeError(f"module 'perdure.settings' has no attribute {name!r}")
