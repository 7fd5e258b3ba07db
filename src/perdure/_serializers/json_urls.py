"""The addresses that pydantic has types for: how each is read from a tag."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pydantic
from pydantic import NameEmail, TypeAdapter

from perdure._serializers.json_bounds import text

_MODULE = "pydantic.networks"
_NAMES = (
    *("AnyUrl", "AnyHttpUrl", "HttpUrl", "AnyWebsocketUrl", "WebsocketUrl", "FileUrl", "FtpUrl", "PostgresDsn"),
    *("CockroachDsn", "AmqpDsn", "RedisDsn", "MongoDsn", "KafkaDsn", "NatsDsn", "MySQLDsn", "MariaDBDsn"),
    *("ClickHouseDsn", "SnowflakeDsn"),
)
_NAME_AND_EMAIL = re.compile(r'(?:"(.*)"|(.*)) <([^<>]+@[^<>]+)>')


def _url(kind: Any, data: object, _tag: Mapping[str, object]) -> object:
    return TypeAdapter(kind).validate_python(text(data))


def _name_and_email(data: object, _tag: Mapping[str, object]) -> NameEmail:
    # Validating it anew would import the library that did when it was made.
    match = _NAME_AND_EMAIL.fullmatch(text(data))
    if match is None:
        raise ValueError("a name and an address are expected")
    return NameEmail(name=match[1] or match[2] or "", email=match[3])


URL_READERS: Mapping[str, Callable[[object, Mapping[str, object]], object]] = {
    **{
        f"{_MODULE}.{name}": partial(_url, getattr(pydantic, name))
        for name in _NAMES
        if getattr(getattr(pydantic, name, None), "__module__", None) == _MODULE
    },
    f"{_MODULE}.NameEmail": _name_and_email,
}
