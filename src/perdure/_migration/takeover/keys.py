"""The keys with which Prefect encrypts blocks."""

import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from perdure._migration.takeover.source import Source, from_json
from perdure._model.errors import MigrationError

# The first one is of the documentation's older pages; the others are what its servers have read.
_VARIABLES = ("PREFECT_API_ENCRYPTION_KEY", "PREFECT_SERVER_ENCRYPTION_KEY", "ORION_ENCRYPTION_KEY")
_SETTING = "ENCRYPTION_KEY"


class Keys:
    """All keys that may be right: one in the environment, in a profile of Prefect's, in the database itself."""

    def __init__(self, source: Source) -> None:
        from cryptography.fernet import Fernet

        self._ciphers = []
        for where, key in _keys(source):
            try:
                self._ciphers.append(Fernet(key.encode()))
            except ValueError as error:
                raise MigrationError(
                    f"{where} is no key of Prefect's: {error}. Set it to the one of Prefect's server, or to nothing."
                ) from None

    def decrypted(self, data: object) -> dict[str, object] | None:
        """A block's fields; None if no key fits."""
        from cryptography.fernet import InvalidToken

        if isinstance(data, dict):  # as versions before 2.0 kept them
            return data
        if not isinstance(data, str):
            return None
        for cipher in self._ciphers:
            try:
                fields = json.loads(cipher.decrypt(data.encode()))
            except (InvalidToken, ValueError):
                continue
            return fields if isinstance(fields, dict) else None
        return None


def _keys(source: Source) -> Iterator[tuple[str, str]]:
    for name in _VARIABLES:
        if key := os.environ.get(name):
            yield name, key
    yield from _in_profiles()
    if "configuration" in source.columns:
        for (value,) in source.select("SELECT value FROM configuration WHERE key = ?", (_SETTING,)):
            found = from_json(value)
            if isinstance(found, dict) and isinstance(found.get("fernet_key"), str):
                yield f"The key in {source.place}", found["fernet_key"]


def _in_profiles() -> Sequence[tuple[str, str]]:
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    file = home / "profiles.toml"
    try:
        profiles = tomllib.loads(file.read_text(encoding="utf-8")).get("profiles", {})
    except (OSError, ValueError):
        return ()
    return [
        (f"{name} in {file}", profile[name])
        for profile in profiles.values()
        if isinstance(profile, dict)
        for name in _VARIABLES
        if isinstance(profile.get(name), str)
    ]
