import stat
import tomllib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import settings
from perdure._settings.profiles import _Contents, _toml
from perdure.errors import SettingError
from perdure.settings import Profiles


@pytest.fixture
def profiles(home: Path) -> Profiles:
    return Profiles(home)


def test_there_is_always_a_default_profile(profiles: Profiles, home: Path) -> None:
    assert profiles.names() == ["default"]
    assert profiles.active() == "default"
    assert profiles.inspect("default") == {}
    assert not home.exists()


def test_what_is_set_holds_after_reload(profiles: Profiles) -> None:
    profiles.set("default", {"PERDURE_LOGGING_LEVEL": "DEBUG", "task_default_retries": "2"})
    assert profiles.inspect("default") == {"PERDURE_LOGGING_LEVEL": "DEBUG", "PERDURE_TASK_DEFAULT_RETRIES": "2"}
    assert settings.reload().logging_level == "DEBUG"


def test_what_is_unset_holds_no_more(profiles: Profiles) -> None:
    profiles.set("default", {"PERDURE_LOGGING_LEVEL": "DEBUG"})
    profiles.unset("default", ["logging_level"])
    assert profiles.inspect("default") == {}


def test_the_used_profile_is_the_active_one(profiles: Profiles) -> None:
    profiles.create("team")
    profiles.set("team", {"PERDURE_LOGGING_LEVEL": "DEBUG"})
    assert settings.reload().logging_level == "INFO"
    profiles.use("team")
    current = settings.reload()
    assert (current.profile, current.logging_level) == ("team", "DEBUG")
    assert settings.sources()["profile"] == "profile"


def test_the_environment_chooses_the_profile_first(profiles: Profiles, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.create("team")
    profiles.set("team", {"PERDURE_LOGGING_LEVEL": "DEBUG"})
    monkeypatch.setenv("PERDURE_PROFILE", "team")
    assert settings.reload().logging_level == "DEBUG"
    assert profiles.active() == "default"


def test_a_renamed_profile_keeps_its_values_and_stays_active(profiles: Profiles) -> None:
    profiles.create("team")
    profiles.set("team", {"PERDURE_LOGGING_LEVEL": "DEBUG"})
    profiles.use("team")
    profiles.rename("team", "squad")
    assert profiles.names() == ["default", "squad"]
    assert profiles.active() == "squad"
    assert profiles.inspect("squad") == {"PERDURE_LOGGING_LEVEL": "DEBUG"}


def test_a_deleted_profile_is_gone(profiles: Profiles) -> None:
    profiles.create("team")
    profiles.delete("team")
    assert profiles.names() == ["default"]


def test_the_active_profile_cannot_be_deleted(profiles: Profiles) -> None:
    profiles.create("team")
    profiles.use("team")
    with pytest.raises(SettingError, match=r"'team' is the active one. Use another profile"):
        profiles.delete("team")


def test_a_profile_that_is_not_there_is_named_with_its_nearest(
    profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles.create("production")
    with pytest.raises(SettingError, match=r"no profile 'prodction'. Did you mean 'production'"):
        profiles.use("prodction")
    monkeypatch.setenv("PERDURE_PROFILE", "x")
    with pytest.raises(SettingError, match=r"no profile 'x'. The profiles are default, production\."):
        settings.reload()


@pytest.mark.parametrize("name", ["", "a b", "ä", "a.b", "a\nb"])
def test_a_malformed_profile_name_is_refused(profiles: Profiles, name: str) -> None:
    with pytest.raises(SettingError, match=r"cannot be a profile's name. Use letters"):
        profiles.create(name)


@pytest.mark.parametrize("name", ["team", "default"])
def test_a_taken_profile_name_is_refused(profiles: Profiles, name: str) -> None:
    profiles.create("team")
    with pytest.raises(SettingError, match=f"a profile '{name}' already"):
        profiles.create(name)


def test_an_unknown_setting_is_refused_with_its_nearest(profiles: Profiles) -> None:
    with pytest.raises(SettingError, match="Did you mean 'PERDURE_LOGGING_LEVEL'"):
        profiles.set("default", {"PERDURE_LOGGING_LEVL": "DEBUG"})
    with pytest.raises(SettingError, match="The settings are PERDURE_API_TOKEN"):
        profiles.set("default", {"quux": "DEBUG"})


def test_one_wrong_value_leaves_all_as_it_was(profiles: Profiles) -> None:
    with pytest.raises(SettingError, match="from what is to be set in profile 'default'"):
        profiles.set("default", {"PERDURE_LOGGING_LEVEL": "DEBUG", "PERDURE_TASK_DEFAULT_RETRIES": "many"})
    assert profiles.inspect("default") == {}


@pytest.mark.parametrize("name", ["PERDURE_HOME", "PERDURE_PROFILE"])
def test_what_decides_on_the_profile_cannot_be_in_one(profiles: Profiles, home: Path, name: str) -> None:
    with pytest.raises(SettingError, match=f"{name} cannot be set in a profile"):
        profiles.set("default", {name: "x"})
    profiles.path.write_text(f'[profiles.default]\n{name} = "x"\n')
    with pytest.raises(SettingError, match=f"{name} cannot be set in a profile.*{home}/profiles.toml"):
        settings.reload()


def test_unsetting_what_is_not_set_says_so(profiles: Profiles) -> None:
    with pytest.raises(SettingError, match="PERDURE_LOGGING_LEVEL is not set in profile 'default'"):
        profiles.unset("default", ["PERDURE_LOGGING_LEVEL"])


def test_an_unknown_key_written_by_hand_is_named_and_can_be_unset(profiles: Profiles, home: Path) -> None:
    home.mkdir()
    profiles.path.write_text("[profiles.default]\nPERDURE_LOGGING_LEVL = 1\n")
    with pytest.raises(
        SettingError, match=r"Did you mean 'PERDURE_LOGGING_LEVEL'.*in profile 'default'.*profiles.toml"
    ):
        settings.reload()
    settings.profiles().unset("default", ["PERDURE_LOGGING_LEVL"])
    settings.reload()


@pytest.mark.parametrize("text", ["active = 3", "profiles = 3", "profiles = {default = 3}", "x = 1", "[", b"\xff"])
def test_a_file_that_holds_no_profiles_is_named_with_its_mend(
    profiles: Profiles, home: Path, text: str | bytes
) -> None:
    home.mkdir()
    profiles.path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingError, match=r"profiles.toml.*[Mm]end or remove"):
        settings.reload()


def test_a_home_that_cannot_be_written_is_named_with_its_mend(profiles: Profiles, home: Path) -> None:
    home.write_text("a file")
    with pytest.raises(SettingError, match=r"home/profiles\.toml cannot be changed: .*PERDURE_HOME"):
        profiles.create("team")


def test_an_active_profile_that_is_gone_is_named_and_another_can_be_used(profiles: Profiles, home: Path) -> None:
    home.mkdir()
    profiles.path.write_text('active = "gone"')
    with pytest.raises(SettingError, match=r"no profile 'gone'\. The profiles are default\.$"):
        settings.reload()
    settings.profiles().use("default")
    settings.reload()


def test_a_secret_in_a_profile_is_shown_only_on_demand(profiles: Profiles) -> None:
    profiles.set("default", {"PERDURE_SECRETS_KEY": "open sesame"})
    assert profiles.inspect("default") == {"PERDURE_SECRETS_KEY": "**********"}
    assert profiles.inspect("default", show_secrets=True) == {"PERDURE_SECRETS_KEY": "open sesame"}


def test_only_the_owner_reads_the_file(profiles: Profiles) -> None:
    profiles.set("default", {"PERDURE_SECRETS_KEY": "open sesame"})
    assert stat.S_IMODE(profiles.path.stat().st_mode) == 0o600


def set_some(home: Path, name: str) -> None:
    profiles = Profiles(home)
    for number in range(10):
        profiles.create(f"{name}-{number}")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_changes_from_several_processes_are_all_kept(home: Path) -> None:
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        list(pool.map(set_some, [home] * 3, "abc"))
    assert len(Profiles(home).names()) == 31
    assert {path.name for path in home.iterdir()} == {"profiles.toml", "profiles.lock"}


TEXT = st.text(st.characters(codec="utf-8"), max_size=5)


@given(st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, max_size=3), max_size=3), TEXT)
def test_what_is_written_is_read_as_toml(held: dict[str, dict[str, object]], active: str) -> None:
    assert tomllib.loads(_toml(_Contents(active, held))) == {"active": active} | ({"profiles": held} if held else {})
