"""Results: what states carry, and the documents that persisted ones are written as."""

from importlib import import_module
from typing import TYPE_CHECKING

from perdure._model.errors import ResultNotKept as MissingResult
from perdure._model.retention import Retention
from perdure._platform.moved import export
from perdure._results.document import PersistedResultBlob
from perdure._results.lookup import afind_result, aget_result, find_result, get_result
from perdure._results.types import BaseResult, LiteralResult, PersistedResult, UnpersistedResult, result_from_json

if TYPE_CHECKING:  # imported once they are asked for
    from perdure._previews.preview import preview_of
    from perdure._results.difference import Difference, diff
    from perdure._results.pruning import Pruned, prune
    from perdure._results.removal import remove_result
    from perdure._results.result_import import ImportSummary, import_results
    from perdure._results.rewriting import Rewriting, rewrite
    from perdure._results.transfer import copy_result
    from perdure._results.verification import Verdict, verify

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
    "preview_of",
    "prune",
    "remove_result",
    "result_from_json",
    "rewrite",
    "verify",
]

__path__: list[str] = []  # what was below it is found by its former name

_LATER = {
    "Difference": "perdure._results.difference",
    "ImportSummary": "perdure._results.result_import",
    "Pruned": "perdure._results.pruning",
    "Rewriting": "perdure._results.rewriting",
    "Verdict": "perdure._results.verification",
    "copy_result": "perdure._results.transfer",
    "diff": "perdure._results.difference",
    "import_results": "perdure._results.result_import",
    "preview_of": "perdure._previews.preview",
    "prune": "perdure._results.pruning",
    "remove_result": "perdure._results.removal",
    "rewrite": "perdure._results.rewriting",
    "verify": "perdure._results.verification",
}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_LATER[name]), name)
    export({"__name__": __name__, "__all__": [name], name: found})
    return found


export(globals())
