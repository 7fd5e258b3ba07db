"""The server's settings."""

from typing import Literal

from pydantic import BaseModel

from perdure._http.errors import answers
from perdure._http.routers import ApiRouter
from perdure._platform.redaction import REDACTED
from perdure._settings import settings

router = ApiRouter(prefix="/settings", tags=["settings"], responses=answers())


class SettingModel(BaseModel):
    """A setting; the value of a secret one is redacted."""

    name: str
    variable: str
    value: str | None
    source: Literal["override", "environment", "profile", "default"]
    is_secret: bool


class SettingsModel(BaseModel):
    """The profile in use, and all settings."""

    profile: str
    settings: list[SettingModel]


@router.get("")
def list_settings() -> SettingsModel:
    """Every setting, its value and its source."""
    holding, sources = settings.current(), settings.sources()
    return SettingsModel(
        profile=holding.profile,
        settings=[
            SettingModel(
                name=name,
                variable=each.variable,
                value=_shown(each, getattr(holding, name)),
                source=sources[name],
                is_secret=each.is_secret,
            )
            for name, each in settings.SETTINGS.items()
        ],
    )


def _shown(setting: settings.Setting, value: object) -> str | None:
    if value is None:
        return None
    return REDACTED if setting.is_secret else settings.text_of(value)
