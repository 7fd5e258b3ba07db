"""Settings: the environment over the profile over the defaults.

`current()` gives them all, typed. Environment names are the fields' names in upper case after `PERDURE_`;
an empty variable counts as not set.
"""

from perdure._platform.moved import export
from perdure._settings import settings as _implementation
from perdure._settings.fields import SETTINGS, Secret, Setting, Settings, find_setting, text_of
from perdure._settings.profiles import Profiles
from perdure._settings.setting_objects import NamedSetting
from perdure._settings.settings import (
    Source,
    as_environment,
    current,
    get_current_settings,
    profiles,
    reload,
    sources,
    temporary_settings,
)

__all__ = [
    "SETTINGS",
    "NamedSetting",
    "Profiles",
    "Secret",
    "Setting",
    "Settings",
    "Source",
    "as_environment",
    "current",
    "find_setting",
    "get_current_settings",
    "profiles",
    "reload",
    "sources",
    "temporary_settings",
    "text_of",
]

__path__: list[str] = []  # what was below it is found by its former name


def __getattr__(name: str) -> object:
    return getattr(_implementation, name)


export(globals())
