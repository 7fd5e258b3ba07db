"""Types of fields of blocks."""

import json
from typing import Any

from pydantic import GetCoreSchemaHandler, Secret, SecretStr
from pydantic_core import CoreSchema, core_schema


class SecretDict(Secret[dict[str, Any]]):
    """A dict of JSON values that is kept as a secret: `block.headers.get_secret_value()["token"]`."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[object], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            _read, super().__get_pydantic_core_schema__(source, handler)
        )

    def as_text(self) -> SecretStr:
        """The whole as one secret text, as which it is kept."""
        return SecretStr(json.dumps(self.get_secret_value()))


def _read(value: object) -> Any:
    return json.loads(value.get_secret_value()) if isinstance(value, SecretStr) else value
