__all__ = [
    "fresh_home",
]

def fresh_home(path: Path | str | None = None) -> Iterator[Path]: ...
