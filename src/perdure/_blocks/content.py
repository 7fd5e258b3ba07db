"""A block's fields as JSON: with secrets encrypted, to be kept; or with secrets revealed, to be compared."""

import hashlib
import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Container
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

from perdure._blocks.fields import SecretDict
from perdure._blocks.secrets import decrypt, encrypt
from perdure._platform.redaction import REDACTED

_TEXT, _BYTES = "$secret", "$secret_bytes"


def stored_json(block: BaseModel, owner: str) -> str:
    """The fields as a JSON object, secrets encrypted: each for its place in it, its owner, and the fields beside it.

    `owner` is what the block is known by.
    """
    found: dict[str, SecretStr | SecretBytes] = {}

    def marked(secret: SecretStr | SecretBytes) -> dict[str, str]:
        mark = secrets.token_hex(16)
        found[mark] = secret
        return {_kind(secret): mark}

    fields = to_jsonable_python(_replace(_fields(block), marked))
    beside = _beside(fields, found)

    def encrypted(kind: str, mark: str, path: str) -> object:
        if mark not in found:  # a field that looks like a secret, and is none
            return {kind: mark}
        return {kind: encrypt(_bytes_of(found[mark]), _context(owner, path, beside))}

    return _text_of(_each_cipher(fields, encrypted))


def plain_json(block: BaseModel) -> str:
    """The fields as a JSON object, secrets revealed; equal blocks have equal text."""
    return _text_of(to_jsonable_python(_replace(_fields(block), _revealed)))


def has_secrets(block: BaseModel) -> bool:
    """Whether any field, at any depth, holds a secret."""
    found: list[object] = []
    _replace(_fields(block), found.append)
    return bool(found)


def without_ciphers(fields: object, owner: str) -> object:
    """What `stored_json` made, decoded from JSON, with its secrets decrypted: still as secrets, for no other field.

    Raises:
        WrongKeyError: they were encrypted with another key.
        MovedSecretError: they were encrypted for another owner, another place, or beside other fields.
    """
    beside = _beside(fields)

    def decrypted(kind: str, token: str, path: str) -> object:
        plain = decrypt(token, _context(owner, path, beside))
        return SecretStr(plain.decode()) if kind == _TEXT else SecretBytes(plain)

    return _each_cipher(fields, decrypted)


def redact_fields(value: object) -> Any:
    """What `stored_json` made, decoded from JSON, with asterisks for its secrets."""
    if isinstance(value, list):
        return [redact_fields(each) for each in value]
    if not isinstance(value, dict):
        return value
    return REDACTED if set(value) in ({_TEXT}, {_BYTES}) else {key: redact_fields(each) for key, each in value.items()}


def _text_of(fields: object) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _context(owner: str, path: str, beside: str) -> str:
    """What a secret is bound to."""
    return _text_of([owner, path, beside])


def _beside(fields: object, marks: Container[str] | None = None) -> str:
    """A digest of all fields but the secrets: who changes an address beside a password does not get the password."""
    blank = _each_cipher(fields, lambda kind, text, _: {kind: None if marks is None or text in marks else text})
    return hashlib.sha256(_text_of(blank).encode()).hexdigest()


def _each_cipher(value: object, replace: Callable[[str, str, str], object], path: str = "") -> object:
    """JSON with something else for each cipher, which `replace` makes of its kind, its text and its place."""
    if isinstance(value, list):
        return [_each_cipher(each, replace, f"{path}/{index}") for index, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value), "")
    if len(value) == 1 and kind in (_TEXT, _BYTES) and isinstance(value[kind], str):
        return replace(kind, value[kind], path)
    return {key: _each_cipher(each, replace, f"{path}/{_escaped(key)}") for key, each in value.items()}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _fields(block: BaseModel) -> dict[str, object]:
    # Computed fields follow from the others, and the class does not take them back.
    return block.model_dump(exclude=set(type(block).model_computed_fields))


def _replace(value: object, replace: Callable[[SecretStr | SecretBytes], object]) -> object:
    if isinstance(value, SecretStr | SecretBytes):
        return replace(value)
    if isinstance(value, SecretDict):
        return replace(value.as_text())
    if isinstance(value, dict):
        return {key: _replace(each, replace) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_replace(each, replace) for each in value), key=repr)  # the order of a set differs by process
    if isinstance(value, list | tuple):
        return [_replace(each, replace) for each in value]
    return value


def _kind(secret: SecretStr | SecretBytes) -> str:
    return _TEXT if isinstance(secret, SecretStr) else _BYTES


def _bytes_of(secret: SecretStr | SecretBytes) -> bytes:
    value = secret.get_secret_value()
    return value.encode() if isinstance(value, str) else value


def _revealed(secret: SecretStr | SecretBytes) -> dict[str, str]:
    value = secret.get_secret_value()
    return {_TEXT: value} if isinstance(value, str) else {_BYTES: b64encode(value).decode()}
