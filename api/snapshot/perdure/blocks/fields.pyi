__all__ = [
    "SecretDict",
]

class SecretDict(Secret[dict[str, Any]]):
    def as_text(self) -> SecretStr: ...
