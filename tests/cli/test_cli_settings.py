"""`perdure config` and `perdure profile`"""

import json

import pytest
from command_line import Perdure

from perdure._settings import settings


def test_what_is_set_holds(perdure: Perdure):
    assert perdure("config", "set", "logging_level=DEBUG", "PERDURE_TASK_DEFAULT_RETRIES=2").exit_code == 0
    holding = settings.reload()
    assert (holding.logging_level, holding.task_default_retries) == ("DEBUG", 2)


def test_what_is_unset_has_its_default_again(perdure: Perdure):
    perdure("config", "set", "logging_level=DEBUG")
    assert perdure("config", "unset", "logging_level").exit_code == 0
    assert settings.reload().logging_level == "INFO"


def test_a_wrong_setting_is_named_and_nothing_is_set(perdure: Perdure):
    ended = perdure("config", "set", "logging_level=DEBUG", "loging_level=INFO")
    assert ended.exit_code == 1
    assert "Did you mean 'logging_level'?" in ended.stderr
    assert settings.reload().logging_level == "INFO"


def test_a_setting_without_a_value_is_wrong_usage(perdure: Perdure):
    ended = perdure("config", "set", "logging_level")
    assert ended.exit_code == 2
    assert "Write it as logging_level=VALUE." in ended.stderr


def test_the_environment_is_pointed_out_where_it_holds_over_what_was_set(
    perdure: Perdure, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PERDURE_LOGGING_LEVEL", "ERROR")
    assert "in the environment still overrides" in perdure("config", "set", "logging_level=DEBUG").stdout


def test_view_shows_values_and_where_they_come_from(perdure: Perdure, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PERDURE_LOGGING_LEVEL", "ERROR")
    perdure("config", "set", "task_default_retries=2")
    settings.reload()
    seen = json.loads(perdure("config", "view", "--json").stdout)["settings"]
    assert seen["PERDURE_LOGGING_LEVEL"] == {"value": "ERROR", "source": "environment"}
    assert seen["PERDURE_TASK_DEFAULT_RETRIES"] == {"value": "2", "source": "profile"}
    assert seen["PERDURE_LOGGING_LOG_PRINTS"] == {"value": "false", "source": "default"}


@pytest.mark.parametrize("command", [("config", "view"), ("profile", "inspect"), ("profile", "ls")])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_secrets_are_never_shown(perdure: Perdure, command: tuple[str, ...], options: tuple[str, ...]):
    assert "s3cret" not in perdure("config", "set", "secrets_key=s3cret").output
    settings.reload()
    ended = perdure(*command, *options)
    assert ended.exit_code == 0
    assert "s3cret" not in ended.output


def test_a_profile_from_its_creation_to_its_end(perdure: Perdure):
    for command in ("create dev", "use dev", "rename dev prod"):
        assert perdure("profile", *command.split()).exit_code == 0
    perdure("config", "set", "logging_level=DEBUG")
    assert json.loads(perdure("profile", "inspect", "--json").stdout) == {
        "name": "prod",
        "in_use": True,
        "settings": {"PERDURE_LOGGING_LEVEL": "DEBUG"},
    }
    assert "the active one" in perdure("profile", "delete", "prod").stderr
    perdure("profile", "use", "default")
    assert perdure("profile", "delete", "prod").exit_code == 0
    assert [each["name"] for each in json.loads(perdure("profile", "ls", "--json").stdout)] == ["default"]


def test_a_profile_that_sets_nothing_says_how_to_change_that(perdure: Perdure):
    assert "`perdure config set NAME=VALUE --profile default`" in perdure("profile", "inspect").stdout


def test_a_wrong_profile_can_still_be_mended(perdure: Perdure):
    perdure("config", "set", "logging_level=DEBUG")
    file = settings.profiles().path
    file.write_text(file.read_text().replace("DEBUG", "LOUD"))
    assert "must be one of" in _error_of_a_fresh_start(perdure)
    assert perdure("config", "unset", "logging_level").exit_code == 0
    assert settings.reload().logging_level == "INFO"


def _error_of_a_fresh_start(perdure: Perdure) -> str:
    settings._keep(None)
    return perdure("config", "view").stderr
