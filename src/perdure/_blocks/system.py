"""Blocks for single values: a secret, JSON, text, a time."""

from datetime import datetime

from pydantic import JsonValue, SecretStr, field_validator

from perdure._blocks.block import Block

__all__ = ["JSON", "DateTime", "Secret", "String"]


class Secret(Block):
    """A secret text, encrypted where it is saved: `Secret.load("token").get()`."""

    block_type = "secret"

    value: SecretStr

    @field_validator("value", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # Numbers, too, may be secrets; what is no text is kept as JSON's.
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    def get(self) -> str:
        """The secret itself."""
        return self.value.get_secret_value()


class JSON(Block):
    """A JSON value: `JSON.load("regions").value`."""

    block_type = "json"

    value: JsonValue


class String(Block):
    """A text: `String.load("greeting").value`. A `Variable` does the same without a class."""

    block_type = "string"

    value: str


class DateTime(Block):
    """A time: `DateTime.load("since").value`."""

    block_type = "date-time"

    value: datetime
