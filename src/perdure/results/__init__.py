"""Results: what states carry, and the documents that persisted ones are written as."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from perdure.core.errors import ResultNotKept as MissingResult  # its name in Prefect
from perdure.core.retention import Retention
from perdure.results.document import PersistedResultBlob
from perdure.results.lookup import afind_result, aget_result, find_result, get_result
from perdure.results.types import (
    BaseResult,
    LiteralResult,
    PersistedResult,
    UnpersistedResult,
    result_from_json,
)

if TYPE_CHECKING:  # most processes only write and load results
    from perdure.results.difference import Difference, diff
    from perdure.results.importing import ImportSummary, import_results
    from perdure.results.pruning import Pruned, prune
    from perdure.results.removal import remove_result
    from perdure.results.rewriting import Rewriting, rewrite
    from perdure.results.transfer import copy_result
    from perdure.results.verification import Verdict, verify

_MODULES = {
    "Difference": "difference",
    "ImportSummary": "importing",
    "Pruned": "pruning",
    "Rewriting": "rewriting",
    "Verdict": "verification",
    "copy_result": "transfer",
    "diff": "difference",
    "import_results": "importing",
    "prune": "pruning",
    "remove_result": "removal",
    "rewrite": "rewriting",
    "verify": "verification",
}

__all__ = [
    "BaseResult",
    "Difference",
    "ImportSummary",
    "LiteralResult",
    "MissingResult",
    "PersistedResult",
    "PersistedResultBlob",
    "Pruned",
    "Retention",
    "Rewriting",
    "UnpersistedResult",
    "Verdict",
    "afind_result",
    "aget_result",
    "copy_result",
    "diff",
    "find_result",
    "get_result",
    "import_results",
    "prune",
    "remove_result",
    "result_from_json",
    "rewrite",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"perdure.results.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
