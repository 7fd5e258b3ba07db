"""The profiles of the AWS command line, which obstore does not read."""

import configparser
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure._model.errors import StorageError
from perdure._platform.named import NamedTuple

if TYPE_CHECKING:
    from obstore.store import S3Credential

# With one of these, the environment has credentials of its own, which go before a profile that nobody named.
_STRONGER = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


class Profile(NamedTuple):
    """What a profile says."""

    credentials: "Callable[[], S3Credential]"
    region: str | None


def aws_profile(name: str | None) -> Profile | None:
    """The profile of a name, or else the one that the environment chooses; None if it chooses another way.

    Raises:
        StorageError: there is no such profile, or it takes boto3, which is not installed.
    """
    if name is None and any(os.environ.get(each) for each in _STRONGER):
        return None
    chosen = name or os.environ.get("AWS_PROFILE") or "default"
    fields = _fields(chosen)
    if not fields:
        if chosen == "default" and name is None:
            return None
        raise StorageError(
            f"There is no profile {chosen!r} in the AWS command line's files. Correct the name, or give"
            " access_key_id and secret_access_key."
        )
    if "aws_access_key_id" in fields and "aws_secret_access_key" in fields:
        return Profile(_fixed(fields), fields.get("region"))
    if name is None and "AWS_PROFILE" not in os.environ and not _signs_in(fields):
        return None  # a default profile that only has a region, say
    return Profile(_by_boto3(chosen), fields.get("region"))


def _fixed(fields: dict[str, str]) -> "Callable[[], S3Credential]":
    credentials: S3Credential = {
        "access_key_id": fields["aws_access_key_id"],
        "secret_access_key": fields["aws_secret_access_key"],
        "token": fields.get("aws_session_token"),
        "expires_at": None,
    }
    return lambda: credentials


def _signs_in(fields: dict[str, str]) -> bool:
    return any(name.startswith(("sso_", "role_", "credential_", "web_identity_")) for name in fields)


def _by_boto3(profile: str) -> Any:
    """For roles, single sign-on and programs that make credentials: boto3 knows how, and renews them."""
    try:
        sessions = importlib.import_module("boto3.session")
        providers = importlib.import_module("obstore.auth.boto3")
    except ImportError:
        raise StorageError(
            f"The AWS profile {profile!r} has no keys of its own; to sign in with it takes boto3."
            " Run `pip install boto3`, or give access_key_id and secret_access_key."
        ) from None
    return providers.Boto3CredentialProvider(sessions.Session(profile_name=profile))


def _fields(profile: str) -> dict[str, str]:
    """What both files say of a profile; the one for credentials goes first."""
    config = _parsed("AWS_CONFIG_FILE", "~/.aws/config")
    credentials = _parsed("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    section = profile if profile == "default" else f"profile {profile}"
    return {**_section(config, section), **_section(credentials, profile)}


def _parsed(variable: str, path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(default_section="", strict=False)
    file = Path(os.environ.get(variable) or path).expanduser()
    try:
        parser.read(file, encoding="utf-8")
    except (OSError, ValueError, configparser.Error) as error:
        raise StorageError(f"{file} cannot be read: {type(error).__name__}. Mend it, or give access_key_id.") from None
    return parser


def _section(parser: configparser.RawConfigParser, name: str) -> dict[str, str]:
    return dict(parser[name]) if parser.has_section(name) else {}
