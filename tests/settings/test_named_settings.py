"""Settings as objects, and changed for a while by them."""

from pathlib import Path
from typing import Any

import pytest

from perdure._settings import settings
from perdure.errors import SettingError
from perdure.settings import PERDURE_LOGGING_LEVEL, PREFECT_API_URL, temporary_settings


@pytest.fixture(autouse=True)
def _reread() -> Any:
    yield
    settings.reload()


def test_a_setting_is_imported_by_its_name_and_says_what_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PERDURE_LOGGING_LEVEL.name == "PERDURE_LOGGING_LEVEL"
    monkeypatch.setenv("PERDURE_LOGGING_LEVEL", "ERROR")
    settings.reload()
    assert PERDURE_LOGGING_LEVEL.value() == settings.get_current_settings().logging_level == "ERROR"


@pytest.mark.parametrize(
    ("theirs", "field"),
    [
        ("PREFECT_API_URL", "api_url"),
        ("PREFECT_API_KEY", "api_token"),
        ("PREFECT_HOME", "home"),
        ("PREFECT_UI_URL", "api_url"),
        ("PREFECT_LOGGING_TO_API_ENABLED", "logging_to_orchestrator"),
        ("PREFECT_TASK_RUNNER_THREAD_POOL_MAX_WORKERS", "task_runner_max_workers"),
        ("PREFECT_API_DATABASE_CONNECTION_URL", "database"),
    ],
)
def test_a_setting_is_imported_by_its_name_in_prefect(theirs: str, field: str) -> None:
    named = getattr(settings, theirs)
    assert (named.field, named) == (field, getattr(settings, f"PERDURE_{field.upper()}"))


def test_a_setting_is_true_if_its_value_is() -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4747"}):
        assert PREFECT_API_URL
        assert PREFECT_API_URL.value() == "http://127.0.0.1:4747"
    with temporary_settings({PREFECT_API_URL: None}):
        assert not PREFECT_API_URL


def test_a_secret_setting_gives_its_text_and_does_not_show_it() -> None:
    with temporary_settings(api_token="a-token-of-twenty-signs"):
        assert settings.PERDURE_API_TOKEN.value() == "a-token-of-twenty-signs"
        assert "twenty" not in repr(settings.PERDURE_API_TOKEN)


def test_a_setting_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match="PERDURE_LOGGING_LEVEL"):
        settings.PERDURE_LOGING_LEVEL  # noqa: B018
    with pytest.raises(ImportError):
        exec("from perdure.settings import PREFECT_CLOUD_UI_URL", {})


def test_settings_are_changed_by_objects_names_and_fields_at_once(tmp_path: Path) -> None:
    changed = {PERDURE_LOGGING_LEVEL: "DEBUG", "PERDURE_TASK_DEFAULT_RETRIES": 2}
    with temporary_settings(changed, local_storage_path=tmp_path) as now:
        assert (now.logging_level, now.task_default_retries, now.local_storage_path) == ("DEBUG", 2, tmp_path)
    assert settings.current().task_default_retries == 0


def test_other_defaults_hold_only_where_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_TASK_DEFAULT_RETRIES", "5")
    settings.reload()
    defaults = {settings.PERDURE_TASK_DEFAULT_RETRIES: 1, settings.PERDURE_FLOW_DEFAULT_RETRIES: 1}
    with temporary_settings(set_defaults=defaults) as now:
        assert (now.task_default_retries, now.flow_default_retries) == (5, 1)


@pytest.mark.parametrize("place", ["the environment", "the profile", "an outer block"])
def test_a_default_is_restored_whatever_sets_the_setting(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outer: dict[str, object] = {"home": tmp_path}
    if place == "the environment":
        monkeypatch.setenv("PERDURE_LOGGING_LEVEL", "ERROR")
    elif place == "the profile":
        settings.Profiles(tmp_path).set("default", {"logging_level": "ERROR"})
    else:
        outer["logging_level"] = "ERROR"
    with temporary_settings(**outer) as before:
        assert before.logging_level == "ERROR"
        with temporary_settings(restore_defaults=[PERDURE_LOGGING_LEVEL]) as now:
            assert now.logging_level == "INFO"
        assert settings.current().logging_level == "ERROR"


def test_a_setting_that_is_not_there_is_not_changed() -> None:
    with pytest.raises(SettingError, match="no setting 'PERDURE_COLOUR'"), temporary_settings({"PERDURE_COLOUR": 1}):
        pass
