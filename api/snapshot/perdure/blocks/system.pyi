__all__ = [
    "DateTime",
    "JSON",
    "Secret",
    "String",
]

class DateTime(Block):
    block_type = 'date-time'
    value: datetime

class JSON(Block):
    block_type = 'json'
    value: JsonValue

class Secret(Block):
    block_type = 'secret'
    def get(self) -> str: ...
    value: SecretStr

class String(Block):
    block_type = 'string'
    value: str
