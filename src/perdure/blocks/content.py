"""A block's fields as JSON: with secrets encrypted, to be kept; or with secrets revealed, to be compared."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

from perdure.blocks.secrets import decrypt, encrypt
from perdure.settings.fields import HIDDEN

_TEXT, _BYTES = "$secret", "$secret_bytes"


def stored_json(block: BaseModel) -> str:
    """The fields as a JSON object, secrets encrypted."""
    return _json(block, _encrypted)


def plain_json(block: BaseModel) -> str:
    """The fields as a JSON object, secrets revealed; equal blocks have equal text."""
    return _json(block, _revealed)


def has_secrets(block: BaseModel) -> bool:
    """Whether any field, at any depth, holds a secret."""
    found: list[object] = []
    _replace(_fields(block), found.append)
    return bool(found)


def without_ciphers(value: Any) -> Any:
    """What `stored_json` made, decoded from JSON, with its secrets decrypted.

    Raises:
        WrongKeyError: they were encrypted with another key.
    """
    if isinstance(value, list):
        return [without_ciphers(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_TEXT}:
        return decrypt(value[_TEXT]).decode()
    if value.keys() == {_BYTES}:
        return decrypt(value[_BYTES])
    return {key: without_ciphers(each) for key, each in value.items()}


def without_secrets(value: Any) -> Any:
    """What `stored_json` made, decoded from JSON, with asterisks for its secrets."""
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    return HIDDEN if set(value) in ({_TEXT}, {_BYTES}) else {key: without_secrets(each) for key, each in value.items()}


def _json(block: BaseModel, replace: Callable[[SecretStr | SecretBytes], object]) -> str:
    return json.dumps(to_jsonable_python(_replace(_fields(block), replace)), sort_keys=True, separators=(",", ":"))


def _fields(block: BaseModel) -> dict[str, Any]:
    # Computed fields follow from the others, and the class does not take them back.
    return block.model_dump(exclude=set(type(block).model_computed_fields))


def _replace(value: Any, replace: Callable[[SecretStr | SecretBytes], object]) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return replace(value)
    if isinstance(value, dict):
        return {key: _replace(each, replace) for key, each in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_replace(each, replace) for each in value), key=repr)  # the order of a set differs by process
    if isinstance(value, list | tuple):
        return [_replace(each, replace) for each in value]
    return value


def _encrypted(secret: SecretStr | SecretBytes) -> dict[str, str]:
    value = secret.get_secret_value()
    return {_TEXT: encrypt(value.encode())} if isinstance(value, str) else {_BYTES: encrypt(value)}


def _revealed(secret: SecretStr | SecretBytes) -> dict[str, str]:
    value = secret.get_secret_value()
    return {_TEXT: value} if isinstance(value, str) else {_BYTES: b64encode(value).decode()}
