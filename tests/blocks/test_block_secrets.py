import json
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from dict_store import DictStore
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from perdure._blocks import secrets
from perdure._blocks.saving import block_store
from perdure._blocks.secrets import WrongKeyError, decrypt, encrypt
from perdure._platform.ids import new_id
from perdure.blocks import Block, from_record
from perdure.errors import BlockError
from perdure.records import BlockRecord
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
    with pytest.raises(BlockError, match="does not fit Vault|cannot be used") as caught:
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


def test_a_lost_key_is_not_made_again_for_reading(home: Path) -> None:
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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_need_a_key_at_once_agree_on_one(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, get_context("fork")) as pool:
        tokens = list(pool.map(token_made_in, [tmp_path / "new"] * 4))
    with temporary_settings(home=tmp_path / "new"):
        assert [decrypt(token) for token in tokens] == [b"x"] * 4


class Address(Block):
    url: str
    user: str = ""
    anything: Any = None
    path: Path | None = None
    password: SecretStr = SecretStr("")
    other: SecretStr | None = None


ADDRESS = Address(url="https://mine.example", user="ada", password=SecretStr("sesame"), other=SecretStr("open"))


def _altered(record: BlockRecord, **fields: Any) -> BlockRecord:
    return record._replace(data=json.dumps(json.loads(record.data) | fields))


def _unbound(text: str) -> dict[str, str]:
    """A secret as versions before this one wrote it."""
    return {"$secret": secrets._cipher(secrets._key(make=True)).encrypt(text.encode()).decode()}


@pytest.mark.parametrize("place", ["url", "user", "anything", "path", "other"])
def test_a_secret_that_was_copied_into_another_field_is_neither_used_nor_shown(place: str) -> None:
    record = ADDRESS.record("dev")
    for cipher in (json.loads(record.data)["password"], {"$secret": json.loads(record.data)["password"]["$secret"]}):
        with pytest.raises(BlockError, match="encrypted for another block or field") as caught:
            from_record(_altered(record, **{place: cipher}))
        assert "sesame" not in str(caught.value)


def test_a_secret_is_of_no_use_in_another_block_of_its_type() -> None:
    record = ADDRESS.record("dev")
    with pytest.raises(BlockError, match="encrypted for another block"):
        from_record(record._replace(id=new_id()))


@pytest.mark.parametrize("changed", [{"url": "https://evil.example"}, {"user": "eve"}, {"more": 1}, {"user": None}])
def test_a_secret_is_of_no_use_beside_other_fields_than_its_own(changed: dict[str, Any]) -> None:
    with pytest.raises(BlockError, match="other fields of its block were changed"):
        from_record(_altered(ADDRESS.record("dev"), **changed))


def test_a_secret_is_of_no_use_in_another_type_of_block() -> None:
    record = ADDRESS.record("dev")
    with pytest.raises(BlockError):
        from_record(record._replace(type="vault", data=json.dumps({"password": json.loads(record.data)["password"]})))


def test_secrets_of_earlier_versions_are_read_and_bound_when_they_are_saved_again() -> None:
    record = _altered(ADDRESS.record("dev"), password=_unbound("sesame"), other=_unbound("open"))
    block = from_record(record)
    assert block == ADDRESS
    block.save("dev")
    assert '"v2.' in next(iter(block_store().blocks(name="dev"))).data
    assert Address.load("dev") == ADDRESS


@pytest.mark.parametrize("place", ["url", "user", "path"])
def test_a_secret_of_an_earlier_version_is_decrypted_for_no_field_but_a_secret(place: str) -> None:
    record = _altered(ADDRESS.record("dev"), password=_unbound("sesame"), other=None, **{place: _unbound("sesame")})
    with pytest.raises(BlockError, match="does not fit Address") as caught:
        from_record(record)
    assert "sesame" not in str(caught.value)


def test_a_secret_stays_one_in_a_field_of_any_type() -> None:
    block = from_record(Address(url="x", anything={"deep": [SecretStr("sesame")]}).record())
    assert "sesame" not in repr(block)
    assert block.anything["deep"][0].get_secret_value() == "sesame"  # type: ignore[attr-defined]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.text(max_size=5).map(SecretStr),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(_VALUES, st.text(max_size=5))
def test_whatever_fields_hold_comes_back_and_no_secret_is_kept_open(value: Any, user: str) -> None:
    with temporary_settings(secrets_key="a key"):
        block = Address(url="u", user=user, anything=value, other=SecretStr("sesame"))
        record = block.record("dev")
        assert "sesame" not in record.data
        assert _plain(from_record(record).anything) == _plain(value)  # type: ignore[attr-defined]


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return "secret", value.get_secret_value()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
