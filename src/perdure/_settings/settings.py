"""Settings: the environment over the profile over the defaults.

`current()` gives them all, typed. Environment names are the fields' names in upper case after `PERDURE_`;
an empty variable counts as not set.
"""

import os
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

from perdure._platform.named import NamedTuple
from perdure._platform.redaction import know
from perdure._platform.suggest import nearest
from perdure._settings.fields import PREFIX, SETTINGS, Secret, Setting, Settings, find_setting, secret_parts, text_of
from perdure._settings.profiles import Profiles
from perdure._settings.setting_objects import NamedSetting, find_named

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

Source = Literal["override", "environment", "profile", "default"]
"""Where the value of a setting is from."""


class _Given(NamedTuple):
    source: Source
    value: object
    shown: str  # the source, for a message


class _Loaded(NamedTuple):
    settings: Settings
    sources: Mapping[str, Source]


_overrides: dict[str, object] = {}
_loaded: _Loaded | None = None
_current: Settings | None = None
_warned: set[str] = set()
_lock = threading.RLock()


def _renew_lock() -> None:
    """In a forked child: some other thread of the parent may have held it."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_lock)


def current() -> Settings:
    """The settings that hold in this process, read at the first call and kept until `reload()`.

    Raises:
        SettingError: a value is wrong, or the profile is; names the setting, the value, its source and its rule.
    """
    return _first() if _current is None else _current


get_current_settings = current  # its name in Prefect


def _first() -> Settings:
    with _lock:  # one object for all threads: what is made for it is looked up by it
        return reload() if _current is None else _current


def reload() -> Settings:
    """Read the environment and the profile again, and return what holds from now on."""
    with _lock:
        loaded = _load()
        _keep(loaded)
    return loaded.settings


def sources() -> dict[str, Source]:
    """Where each setting's value comes from, by field name."""
    if _loaded is None:
        reload()
    assert _loaded is not None
    return dict(_loaded.sources)


def profiles() -> Profiles:
    """The profiles in the home directory, which can be had even when a profile's values are wrong."""
    return Profiles(cast("Path", _value(SETTINGS["home"], _given())))


@contextmanager
def temporary_settings(
    updates: Mapping[Any, object] | None = None,
    *,
    set_defaults: Mapping[Any, object] | None = None,
    restore_defaults: Iterable[object] = (),
    **overrides: object,
) -> Iterator[Settings]:
    """Within the block, these settings hold, by field name, over the environment; in the whole process.

    Blocks nest. A value may be of the setting's type or text, as in the environment.

    Args:
        updates: settings by their objects or names: `{PERDURE_LOGGING_LEVEL: "DEBUG"}`.
        set_defaults: the same, of which those hold that nothing else sets.
        restore_defaults: settings, by their objects or names, that have their defaults.
        overrides: settings by field name.

    Raises:
        SettingError: there is no such setting, or a value is wrong.
    """
    before, loaded = dict(_overrides), _loaded
    chosen = _by_field(updates) | _by_field(overrides)
    reset = {_field_of(each) for each in restore_defaults} - chosen.keys()
    unset = {field for field, source in sources().items() if source == "default"} if set_defaults else set[str]()
    _overrides.update({field: value for field, value in _by_field(set_defaults).items() if field in unset})
    _overrides.update(dict.fromkeys(reset, _DEFAULT) | chosen)
    try:
        yield reload()
    finally:
        _overrides.clear()
        _overrides.update(before)
        _keep(loaded)


_DEFAULT = object()  # the value of a setting that has its default, whatever the environment says


def _field_of(setting: Any) -> str:
    return setting.field if isinstance(setting, NamedSetting) else find_setting(setting).name


def _by_field(values: Mapping[Any, object] | None) -> dict[str, object]:
    return {_field_of(setting): value for setting, value in (values or {}).items()}


def __getattr__(name: str) -> NamedSetting:
    """Each setting as an object, by the name of its variable or by Prefect's."""
    return find_named(name, current)


def as_environment(*, reveal: bool = True) -> dict[str, str]:
    """The variables that give another process the settings of this one: a child; else, without `reveal`, no secrets.

    On another machine the profile's file may not be there; what it says is among the variables.
    """
    settings, where = current(), sources()
    values = {name: getattr(settings, name) for name in where if where[name] != "default"}
    if not reveal:
        values = {name: value for name, value in values.items() if name != "profile" and not any(secret_parts(value))}
    return {SETTINGS[name].variable: text_of(value) for name, value in values.items() if value is not None}


def _keep(loaded: _Loaded | None) -> None:
    global _loaded, _current
    _loaded = loaded
    _current = None if loaded is None else loaded.settings
    if loaded is not None:
        know(part for name in SETTINGS for part in secret_parts(getattr(loaded.settings, name)))


def _load() -> _Loaded:
    given = _given()
    home = cast("Path", _value(SETTINGS["home"], given))
    chosen = cast("str", _value(SETTINGS["profile"], given)) if "profile" in given else None
    name, values = Profiles(home).values(chosen)
    shown = f"profile {name!r}"
    if chosen is None and name != SETTINGS["profile"].default:
        values["profile"] = name
    of_profile = {field: value for field, value in values.items() if _overrides.get(field) is not _DEFAULT}
    given = {field: _Given("profile", value, shown) for field, value in of_profile.items()} | given
    where: dict[str, Source] = {field: given[field].source if field in given else "default" for field in SETTINGS}
    return _Loaded(Settings(**{field: _value(each, given, home) for field, each in SETTINGS.items()}), where)


def _value(setting: Setting, given: Mapping[str, _Given], home: Path | None = None) -> Any:
    found = given.get(setting.name)
    return setting.default_in(home) if found is None else setting.parse(found.value, found.shown)


def _given() -> dict[str, _Given]:
    """What the environment and, over it, temporary settings give."""
    given = {}
    for variable in os.environ:  # their values are decoded one by one, which takes longer than all else here
        if not variable.startswith(PREFIX) or not (value := os.environ.get(variable)):
            continue
        setting = SETTINGS.get(variable.removeprefix(PREFIX).lower())
        if setting is None or setting.variable != variable:
            _warn_of(variable)
        else:
            given[setting.name] = _Given("environment", value, "the environment")
    given = {name: each for name, each in given.items() if _overrides.get(name) is not _DEFAULT}
    over = {name: value for name, value in _overrides.items() if value is not _DEFAULT}
    return given | {name: _Given("override", value, "temporary_settings") for name, value in over.items()}


RUNTIME_PREFIX = f"{PREFIX}_RUNTIME__"  # variables of what `perdure.runtime` says of the current run, in tests


def _warn_of(variable: str) -> None:
    if variable not in _warned and not variable.startswith(RUNTIME_PREFIX):
        _warned.add(variable)
        hint = nearest(variable, [each.variable for each in SETTINGS.values()])
        warnings.warn(f"The environment variable {variable} is no setting, and does nothing.{hint}", stacklevel=2)
