"""What lower layers need of the composition root, which is above them: set once, when `perdure` is imported."""

from collections.abc import Callable
from typing import Any

_block_store: Callable[[], Any] | None = None


def set_block_store(provider: Callable[[], Any]) -> None:
    """Have blocks saved in what the provider returns; it is asked at every use."""
    global _block_store
    _block_store = provider


def block_store() -> Any | None:
    """Where blocks are saved; None if nothing has said so."""
    return None if _block_store is None else _block_store()
