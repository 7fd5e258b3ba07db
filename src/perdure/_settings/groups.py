"""Settings by groups, as Prefect 3 has them: `settings.logging.level` is `settings.logging_level`."""

from perdure._platform.suggest import nearest

__all__ = ["Grouped", "SettingsGroup"]


class Grouped:
    """Settings, of which those whose names begin alike are also a group."""

    __slots__ = ()

    def __getattr__(self, name: str) -> "SettingsGroup":
        known = list(getattr(type(self), "__dataclass_fields__", ()))
        if name.startswith("_") or not any(each.startswith(f"{name}_") for each in known):
            raise AttributeError(f"There is no setting {name!r}.{nearest(name, known)}")
        return SettingsGroup(self, name)


class SettingsGroup:
    """Settings whose names begin alike."""

    def __init__(self, settings: Grouped, beginning: str) -> None:
        self._settings = settings
        self._beginning = beginning

    def __getattr__(self, name: str) -> object:
        return getattr(self._settings, f"{self._beginning}_{name}")
