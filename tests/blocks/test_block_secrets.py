import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from dict_store import DictStore
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from perdure.blocks import Block, from_record
from perdure.blocks.secrets import WrongKeyError, decrypt, encrypt
from perdure.core.errors import BlockError
from perdure.settings import temporary_settings


class Inner(BaseModel):
    token: SecretStr


class Vault(Block):
    password: SecretStr = SecretStr("")
    raw: SecretBytes = SecretBytes(b"")
    inner: Inner | None = None
    many: dict[str, list[SecretStr]] = Field(default_factory=dict)


VAULT = Vault(
    password=SecretStr("sesame-1"),
    raw=SecretBytes(b"sesame-2\xff\0"),
    inner=Inner(token=SecretStr("sesame-3")),
    many={"a": [SecretStr("sesame-4"), SecretStr("")]},
)


def test_secrets_come_back_at_any_depth() -> None:
    VAULT.save("dev")
    assert Vault.load("dev") == VAULT


def test_what_is_kept_and_what_is_shown_hold_no_secret(store: DictStore) -> None:
    VAULT.save("dev")
    assert "sesame" not in repr(store.records) + repr(VAULT) + str(VAULT) + repr(VAULT._saved)


def test_an_error_over_a_wrong_field_shows_no_secret() -> None:
    record = Vault(password=SecretStr("sesame")).record()
    with pytest.raises(BlockError, match="does not fit Vault") as caught:
        from_record(record._replace(data=record.data.replace('"password"', '"pasword"')))
    assert "sesame" not in str(caught.value) + str(caught.value.__cause__)


def test_another_key_is_named_with_its_mend(home: Path) -> None:
    with temporary_settings(secrets_key="one"):
        VAULT.save("dev")
    with temporary_settings(secrets_key="two"), pytest.raises(BlockError) as caught:
        Vault.load("dev")
    assert "'vault/dev' were encrypted with another key. Set PERDURE_SECRETS_KEY" in str(caught.value)
    assert f"{home}/secrets.key" in str(caught.value)


def test_the_setting_is_the_key_in_every_home(tmp_path: Path) -> None:
    with temporary_settings(secrets_key="one"):
        record = VAULT.record("dev")
    with temporary_settings(secrets_key="one", home=tmp_path / "elsewhere"):
        assert from_record(record) == VAULT


def test_a_key_is_made_on_first_need_for_its_owner_alone(home: Path) -> None:
    Open(a=1).record()
    assert not home.exists()
    VAULT.record()
    assert stat.S_IMODE((home / "secrets.key").stat().st_mode) == 0o600


class Open(Block):
    a: int


def test_a_lost_key_is_not_made_anew_for_reading(home: Path) -> None:
    token = encrypt(b"x")
    (home / "secrets.key").unlink()
    with pytest.raises(WrongKeyError):
        decrypt(token)
    assert not (home / "secrets.key").exists()


def test_an_empty_key_file_is_named(home: Path) -> None:
    home.mkdir()
    (home / "secrets.key").touch()
    with pytest.raises(BlockError, match=r"secrets\.key is empty. Put the key back"):
        encrypt(b"x")


def test_a_key_file_that_cannot_be_read_is_named(home: Path) -> None:
    (home / "secrets.key").mkdir(parents=True)
    with pytest.raises(BlockError, match=r"secrets\.key cannot be had: Is a directory"):
        encrypt(b"x")


def test_equal_blocks_with_secrets_are_one_record_under_one_key() -> None:
    with temporary_settings(secrets_key="one"):
        first, second = VAULT.record().id, VAULT.model_copy().record().id
    with temporary_settings(secrets_key="two"):
        third = VAULT.record().id
    assert first == second != third


def token_made_in(home: Path) -> str:
    with temporary_settings(home=home):
        return encrypt(b"x")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_need_a_key_at_once_agree_on_one(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        tokens = list(pool.map(token_made_in, [tmp_path / "new"] * 4))
    with temporary_settings(home=tmp_path / "new"):
        assert [decrypt(token) for token in tokens] == [b"x"] * 4
