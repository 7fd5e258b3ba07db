"""Results: what states carry, and the documents that persisted ones are written as."""

from perdure.results.document import PersistedResultBlob
from perdure.results.lookup import aget_result, get_result
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
    "aget_result",
    "get_result",
    "result_from_json",
]
