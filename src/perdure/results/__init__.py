"""Results: what states carry, and the documents that persisted ones are written as."""

from perdure.results.document import PersistedResultBlob
from perdure.results.types import (
    BaseResult,
    LiteralResult,
    PersistedResult,
    UnpersistedResult,
    result_from_json,
)

__all__ = [
    "BaseResult",
    "LiteralResult",
    "PersistedResult",
    "PersistedResultBlob",
    "UnpersistedResult",
    "result_from_json",
]
