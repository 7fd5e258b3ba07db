"""Encryption of the secrets in blocks, with a key that the settings give or that is made on first need."""

import base64
import hashlib
import hmac
import secrets
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from perdure._model.errors import BlockError
from perdure._platform.files import locked, replace_private
from perdure._settings import settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


_VERSION = "v2"
_NONCE = 12  # bytes
_KEY_ID = 8  # characters


class WrongKeyError(BlockError):
    """A secret was encrypted with another key than the present one."""


class MovedSecretError(BlockError):
    """A secret was copied from where it belongs, or what it belongs to was changed beside it."""


def encrypt(plain: bytes, context: str = "") -> str:
    """The bytes as text that only `decrypt` with the same key and the same `context` reads: what they belong to."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = _derived(_key(make=True))
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, plain, context.encode())
    return f"{_VERSION}.{_id_of(key)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def decrypt(token: str, context: str = "") -> bytes:
    """The bytes that `encrypt` made the text from. What earlier versions wrote is bound to nothing.

    Raises:
        WrongKeyError: they were encrypted with another key, or the text was changed.
        MovedSecretError: they belong to something else.
    """
    if not token.startswith(f"{_VERSION}."):
        return _unbound(token)
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key = _derived(_key(make=False))
    _, id, text = (*token.split(".", 2), "", "")[:3]
    if id != _id_of(key):
        raise WrongKeyError
    try:
        sealed = base64.urlsafe_b64decode(text)
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
    except (InvalidTag, ValueError):
        raise MovedSecretError(
            "A secret was encrypted for another block or field, or other fields of its block were changed since."
        ) from None


def _unbound(token: str) -> bytes:
    from cryptography.fernet import InvalidToken  # 40 ms, for those who have secrets

    try:
        return _cipher(_key(make=False)).decrypt(token)
    except InvalidToken:
        raise WrongKeyError from None


def keyed_digest(content: bytes) -> str:
    """A digest that reveals nothing about the content to those without the key, in hexadecimal."""
    return hmac.new(_stretched(_key(make=True)), content, "sha256").hexdigest()


def key_file() -> Path:
    """Where the key lies when the setting `secrets_key` gives none."""
    return settings.current().home / "secrets.key"


@lru_cache(maxsize=8)
def _cipher(key: str) -> "Fernet":
    from cryptography.fernet import Fernet

    return Fernet(base64.urlsafe_b64encode(_stretched(key)))


@lru_cache(maxsize=8)
def _derived(key: str) -> bytes:
    """The key of bound secrets, which no other use shares."""
    return hmac.new(_stretched(key), b"perdure bound secrets", "sha256").digest()


def _id_of(key: bytes) -> str:
    """What distinguishes a key from others, and reveals nothing about it."""
    return hmac.new(key, b"id", "sha256").hexdigest()[:_KEY_ID]


@lru_cache(maxsize=8)
def _stretched(key: str) -> bytes:
    """32 bytes from a key of any length. It takes about 50 ms, so that short keys are not found by trying."""
    return hashlib.scrypt(key.encode(), salt=b"perdure secrets", n=2**14, r=8, p=1, dklen=32)


def _key(make: bool) -> str:
    given = settings.current().secrets_key
    if given is not None:
        return given.reveal()
    path = key_file()
    try:
        return _read(path, make)
    except OSError as error:
        raise BlockError(
            f"The key of secrets in {path} cannot be had: {error.strerror}."
            " Make the file readable to this user, or set PERDURE_SECRETS_KEY."
        ) from error


def _read(path: Path, make: bool) -> str:
    if not path.exists():
        if not make:
            raise WrongKeyError
        with locked(path.with_suffix(".lock")):
            if not path.exists():  # another process may have been faster
                replace_private(path, secrets.token_urlsafe(32))
    key = path.read_text(encoding="utf-8").strip()
    if not key:
        raise BlockError(
            f"The key of secrets in {path} is empty. Put the key back, or remove the file to have a new one."
        )
    return key
