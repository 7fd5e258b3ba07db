import base64
import timeit
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import settings
from perdure._settings import fields
from perdure._settings.fields import DatabaseUrl
from perdure.errors import SettingError
from perdure.settings import SETTINGS, Secret, Settings, temporary_settings


def profile(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "profiles.toml").write_text(text)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def test_defaults_hold_when_nothing_is_set(home: Path) -> None:
    current = settings.current()
    assert current.database == home / "perdure.db"
    assert current.local_storage_path == home / "storage"
    assert current.results_default_serializer == "pickle"
    assert current.task_runner_max_workers is None
    assert set(settings.sources().items()) == {
        ("home", "environment"),
        *((name, "default") for name in SETTINGS if name != "home"),
    }


def test_the_default_home_is_in_the_users_home(env: pytest.MonkeyPatch) -> None:
    env.delenv("PERDURE_HOME")
    assert settings.reload().home == Path.home() / ".perdure"


def test_the_environment_wins_over_the_profile_and_the_profile_over_the_default(
    home: Path, env: pytest.MonkeyPatch
) -> None:
    profile(home, '[profiles.default]\nPERDURE_TASK_DEFAULT_RETRIES = 2\nPERDURE_FLOW_DEFAULT_RETRIES = "3"\n')
    env.setenv("PERDURE_TASK_DEFAULT_RETRIES", "5")
    current = settings.reload()
    assert (current.task_default_retries, current.flow_default_retries) == (5, 3)
    assert settings.sources()["task_default_retries"] == "environment"
    assert settings.sources()["flow_default_retries"] == "profile"


def test_settings_are_read_once_until_reload(env: pytest.MonkeyPatch) -> None:
    before = settings.current()
    env.setenv("PERDURE_LOGGING_LEVEL", "debug")
    assert settings.current() is before
    assert settings.reload().logging_level == "DEBUG"
    assert settings.current().logging_level == "DEBUG"


def test_current_costs_less_than_a_microsecond() -> None:
    assert min(timeit.repeat(settings.current, number=1_000, repeat=5)) < 1e-3


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        settings.current().logging_level = "DEBUG"  # type: ignore[misc]


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "True", "ON", " yes "])
def test_these_texts_are_true(text: str) -> None:
    with temporary_settings(results_persist_by_default=text) as within:
        assert within.results_persist_by_default is True


@pytest.mark.parametrize("text", ["false", "0", "no", "off", "False"])
def test_these_texts_are_false(text: str) -> None:
    with temporary_settings(logging_to_orchestrator=text) as within:
        assert within.logging_to_orchestrator is False


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("results_persist_by_default", "maybe", "one of true, false"),
        ("logging_level", "LOUD", "one of DEBUG, INFO"),
        ("task_runner_max_workers", "0", "a whole number of at least 1"),
        ("task_runner_max_workers", "two", "a whole number of at least 1"),
        ("task_default_retries", "-1", "a whole number of at least 0"),
        ("task_default_retries", "1.5", "a whole number of at least 0"),
        ("report_interval_seconds", "-0.1", "a number of seconds"),
        ("database_timeout_seconds", "inf", "a number of seconds"),
        ("database_timeout_seconds", "nan", "a number of seconds"),
        ("database", "~nobody-of-this-name/x", "a path"),
        ("database", "mysql://somewhere/x", "a path, or a URL such as postgresql://"),
    ],
)
def test_a_wrong_value_is_named_with_its_setting_source_and_rule(
    env: pytest.MonkeyPatch, name: str, value: str, rule: str
) -> None:
    variable = f"PERDURE_{name.upper()}"
    env.setenv(variable, value)
    with pytest.raises(SettingError) as caught:
        settings.reload()
    message = str(caught.value)
    assert message.startswith(f"{variable} is {value!r} (from the environment); it must be {rule}")
    assert f"unset it to use the default, {SETTINGS[name].default}." in message


def test_a_wrong_value_in_a_profile_names_the_profile(home: Path) -> None:
    profile(home, 'active = "team"\n[profiles.team]\nPERDURE_LOGGING_LEVEL = 3\n')
    with pytest.raises(SettingError, match=r"PERDURE_LOGGING_LEVEL is 3 \(from profile 'team'\)"):
        settings.reload()


def test_an_unknown_variable_is_warned_of_once_with_its_nearest(env: pytest.MonkeyPatch) -> None:
    env.setenv("PERDURE_LOGING_LEVEL", "DEBUG")
    with pytest.warns(UserWarning, match="PERDURE_LOGING_LEVEL is no setting.* Did you mean 'PERDURE_LOGGING_LEVEL'"):
        settings.reload()
    settings.reload()


def test_an_empty_variable_counts_as_not_set(env: pytest.MonkeyPatch) -> None:
    env.setenv("PERDURE_LOGGING_LEVEL", "")
    assert settings.reload().logging_level == "INFO"


def test_paths_expand_a_tilde_and_are_absolute(
    env: pytest.MonkeyPatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env.setenv("PERDURE_DATABASE", "~/x.db")
    env.setenv("PERDURE_LOCAL_STORAGE_PATH", "here")
    current = settings.reload()
    assert (current.database, current.local_storage_path) == (Path.home() / "x.db", tmp_path / "here")


def test_temporary_settings_win_over_the_environment_and_nest(env: pytest.MonkeyPatch) -> None:
    env.setenv("PERDURE_LOGGING_LEVEL", "ERROR")
    settings.reload()
    with temporary_settings(logging_level="DEBUG"):
        with temporary_settings(task_default_retries=1) as inner:
            assert (inner.logging_level, inner.task_default_retries) == ("DEBUG", 1)
        assert settings.current().task_default_retries == 0
        assert settings.sources()["logging_level"] == "override"
    assert settings.current().logging_level == "ERROR"


def test_another_home_moves_what_lies_in_it(tmp_path: Path) -> None:
    with temporary_settings(home=tmp_path / "other") as within:
        assert within.database == tmp_path / "other/perdure.db"


def test_temporary_settings_end_with_an_exception() -> None:
    with pytest.raises(KeyError), temporary_settings(logging_level="DEBUG"):
        raise KeyError
    assert settings.current().logging_level == "INFO"


def test_wrong_temporary_settings_change_nothing() -> None:
    with (
        pytest.raises(SettingError, match=r"'LOUD' \(from temporary_settings\)"),
        temporary_settings(logging_level="LOUD"),
    ):
        pass
    assert settings.current().logging_level == "INFO"


def test_an_unknown_temporary_setting_is_named_with_its_nearest() -> None:
    with pytest.raises(SettingError, match=r"no setting 'loging_level'. Did you mean 'logging_level'"):
        temporary_settings(loging_level="DEBUG").__enter__()


def test_a_secret_is_never_shown() -> None:
    with temporary_settings(secrets_key="open sesame") as within:
        assert "sesame" not in repr(within)
        assert within.secrets_key is not None
        assert within.secrets_key.reveal() == "open sesame"
    with pytest.raises(SettingError) as caught, temporary_settings(secrets_key=12345):
        pass
    assert "12345" not in str(caught.value)


def test_a_child_process_can_be_given_the_same_settings(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with temporary_settings(secrets_key="k", results_persist_by_default=True, home=tmp_path) as within:
        variables = settings.as_environment()
    for name, value in variables.items():
        env.setenv(name, value)
    assert settings.reload() == within


VALUES = {
    bool: st.booleans(),
    int: st.integers(1, 10**9),
    int | None: st.integers(1, 10**9),
    float: st.floats(0, 1e9),
    Secret | None: st.text(min_size=1).map(Secret),
}
KEYS = st.binary(min_size=32).map(lambda key: Secret(f"id:{base64.b64encode(key).decode()}"))


@given(st.data())
def test_every_value_reads_back_from_its_text(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name, each in SETTINGS.items() if each.type in VALUES]))
    value = data.draw(KEYS if SETTINGS[name].kind is fields.KEYS else VALUES[SETTINGS[name].type])
    assert SETTINGS[name].parse(settings.text_of(value), "here") == value


def test_every_setting_is_described_and_typed() -> None:
    assert list(SETTINGS) == list(Settings.__dataclass_fields__)
    assert all(each.description.endswith(".") for each in SETTINGS.values())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:s3cret@db.example:5432/runs",
        "postgres://ada:s3cret@x:y@db.example/runs?sslmode=require",
        "postgresql://ada@db.example/runs?password=s3cret&sslmode=require",
    ],
)
def test_a_password_in_the_databases_url_is_hidden_wherever_it_is_shown(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERDURE_DATABASE", url)
    database = settings.reload().database
    assert isinstance(database, DatabaseUrl)
    assert (database.reveal(), settings.text_of(database)) == (url, url)
    for shown in (str(database), repr(database), SETTINGS["database"].shown(database)):
        assert "s3cret" not in shown
        assert "ada" in shown
    with pytest.raises(SettingError) as error:
        SETTINGS["database"].parse(url.replace("postgres", "oracle"), "a test")
    assert "s3cret" not in str(error.value)
