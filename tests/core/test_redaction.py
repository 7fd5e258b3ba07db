"""What is a secret, by type, by name, and by its looks in a text."""

import tracemalloc
from time import process_time

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Secret as PydanticSecret
from pydantic import SecretBytes, SecretStr

from perdure._platform import redaction
from perdure._platform.redaction import is_secret, is_secret_name, redact, shortened
from perdure.settings import Secret


class Vault:
    def get_secret_value(self) -> str:
        raise AssertionError


class Own(SecretStr):
    pass


@pytest.mark.parametrize(
    "value",
    [
        *(SecretStr("x"), SecretBytes(b"x"), PydanticSecret[int](5), Secret("x"), Vault(), Own("x")),
        *(Fernet(Fernet.generate_key()), AESGCM(bytes(32)), Ed25519PrivateKey.generate()),
    ],
)
def test_values_of_secret_types_are_secret(value: object):
    assert is_secret(value)


@pytest.mark.parametrize("value", ["x", 5, None, object(), SecretStr, Ed25519PrivateKey.generate().public_key()])
def test_other_values_are_not(value: object):
    assert not is_secret(value)


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passwd", "secret", "token", "api_key", "access_key", "private_key", "authorization"),
        *("credential", "credentials", "auth", "pass", "PGPASSWORD", "MYSQL_PWD", "db_password", "passwords"),
        *("DB-PASSWORD", "X-Api-Key", "apiKey", "apikey", "accessToken", "HTTPSecret", "AWS_SECRET_ACCESS_KEY"),
        *("client secret", "user.password", "private_key_pem", "token2", "Set-Cookie", "Proxy-Authorization"),
    ],
)
def test_names_of_secrets_are_known_however_they_are_written(name: str):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("tokens_used", "secretary", "token_count", "tokenizer", "max_tokens", "monkey", "keyboard", "primary_key"),
        *("cache_key", "storage_key", "public_key", "passenger", "author", "bypass", "pass_rate", "token_expires_in"),
        *("", "é", "password_length"),
    ],
)
def test_names_that_only_sound_like_it_are_not(name: str):
    assert not is_secret_name(name)


def test_a_long_name_is_looked_at_from_both_ends():
    assert is_secret_name("x" * 10_000 + "_password")
    assert is_secret_name("password_" + "x" * 10_000)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://bob:canary@db/x is down", "postgres://bob:**********@db/x is down"),
        ("postgres://bob:c@n/ary#@db/x", "postgres://bob:**********@db/x"),
        ("redis://:canary@h", "redis://:**********@h"),
        ("https://canarycanarycanarycanary@github.com/a", "https://**********@github.com/a"),
        ("bob:canary@host", "bob:**********@host"),
        ("password=canary, user=bob", "password=**********, user=bob"),
        ("pw=canary", "pw=**********"),
        ("host: password=canary", "host: password=**********"),
        ('{"token": "can\\"ary", "n": 1}', '{"token": "**********", "n": 1}'),
        ("{'apiKey': 'canary', 'n': 1}", "{'apiKey': '**********', 'n': 1}"),
        ("passwords=['canary', {'x': 'canary'}], n=1", "passwords=**********, n=1"),
        ("C(password=SecretStr('canary'), n=1)", "C(password=**********, n=1)"),
        ("--password canary --user bob", "--password ********** --user bob"),
        ("Command '['mysql', '--password', 'canary', 'db']'", "Command '['mysql', '--password', '**********', 'db']'"),
        ("('login failed', 'password', 'canary')", "('login failed', 'password', '**********')"),
        ("x-eyJaaaaaaaaaa.canarycanary.canary-x", "x-**********"),
        ("os.environ['SECRET_KEY'] = 'canary'", "os.environ['SECRET_KEY'] = '**********'"),
        ("Authorization: Basic canary canary", "Authorization: **********"),
        ("Cookie: a=canary; b=canary", "Cookie: **********"),
        ("curl -H 'Bearer canary-canary'", "curl -H 'Bearer **********'"),
        ("AccountKey=canary==;Suffix=x", "AccountKey=**********;Suffix=x"),
        ("https://h/b?se=1&sig=canary%3D&sv=2", "https://h/b?se=1&sig=**********&sv=2"),
        ("ghp_canarycanarycanary", "**********"),
        ("github_pat_canarycanary", "**********"),
        ("glpat-canarycanary", "**********"),
        ("-----BEGIN RSA PRIVATE KEY-----\ncanary\n", "-----BEGIN RSA PRIVATE KEY-----**********"),
    ],
)
def test_secrets_in_a_text_are_hidden(text: str, shown: str):
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("", "all is well", "http://host:8080/users/@me", "mailto:bob@x.com", "bob@x.com", "12:30"),
        *(
            "'token', 'user' are missing",
            "eyJaaaaaaaaaaaaaaaaa",
            "password=None",
            "Basic understanding of things",
            "KeyError: 'password'",
            "tokens_used=5",
        ),
    ],
)
def test_other_texts_stay_as_they_are(text: str):
    assert redact(text) == text


@pytest.mark.parametrize(
    "part",
    [
        *(
            "://x:",
            "a",
            "password",
            "a:",
            "token='",
            "token=(",
            "key\\",
            "eyJaaaaaaaa.",
            "-eyJ",
            "-eyJaaaaaaaa",
            "a.b-c",
        ),
        *("-----BEGIN ", "@", "sk-", "Bearer ", "Basic a", "token=token ", "('token',", "'--token',", "--token  "),
        *("&sig=", "https://aaaaaaaaaaaaaaaaaaaaaa", "bob:x", '"', "[", " "),
    ],
)
def test_the_time_that_a_text_takes_grows_no_faster_than_its_length(part: str):
    start = process_time()
    redact("token " + (part * 200_000)[:200_000] + "@ ")
    assert process_time() - start < 1.5  # where it is linear a tenth of this at most, and else half a minute


@pytest.mark.parametrize("before", [0, 900, 985, 1_000, 1_250])
@pytest.mark.parametrize("length", [10, 100, 5_000])
def test_a_secret_across_the_cut_of_a_shortened_text_is_hidden(before: int, length: int):
    text = "a" * before + f" postgres://bob:{'canary' * length}@db/x " + "b" * 1_000
    assert "can" not in shortened(text, 1_000)
    assert shortened(text, 1_000)[:before] == "a" * min(before, 1_000)


def test_of_a_long_text_only_the_beginning_is_looked_at():
    text = "token " + "x" * 20_000_000
    tracemalloc.start()
    try:
        assert len(shortened(text, 1_000)) == 1_000
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(
    st.text(), st.sampled_from(["password={}", '"api_key": "{}"', "x://u:{}@h", "token: {}", "--secret {}"]), st.text()
)
def test_a_canary_behind_any_sign_is_hidden(before: str, sign: str, after: str):
    text = f"{before} {sign.format('canary')} {after}"
    assert "canary" not in redact(text) or "canary" in before + after


@given(st.text(max_size=40), st.integers(6, 2_000), st.integers(0, 60), st.booleans())
def test_of_a_known_secret_no_beginning_is_left_where_a_text_is_cut(before: str, size: int, length: int, ends: bool):
    secret = "\N{KEY}" * size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_known", {})
        redaction.know([secret])
        assert "\N{KEY}" not in shortened(f"{before}{secret}{'' if ends else ' and more' * 100}", length)


@settings(max_examples=40)
@given(st.text())
def test_what_was_hidden_stays_hidden(text: str):
    shown = redact(text)
    assert redact(shown) == shown
