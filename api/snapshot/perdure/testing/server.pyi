__all__ = [
    "serving",
]

def serving(database: str | None = None, port: int = 0) -> Iterator[str]: ...
