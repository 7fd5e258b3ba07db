"""Documents and payloads that were written once, by `golden/make.py`, and must be read for ever."""

from pathlib import Path

import pytest
from golden_values import DOCUMENTS, ENCRYPTED, SIGNED, same

from perdure import session, settings
from perdure.records import RunFilter
from perdure.results import get_result, import_results

GOLDEN = Path(__file__).parent / "golden" / "perdure_0_1"


@pytest.mark.parametrize(
    "needed", [{}, SIGNED, ENCRYPTED, SIGNED | ENCRYPTED], ids=["plain", "signed", "encrypted", "signed and encrypted"]
)
def test_golden_documents_give_their_values(needed: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for variable, value in needed.items():
        monkeypatch.setenv(variable, value)
    settings.reload()
    import_results(GOLDEN)
    runs = {run.name: run.id for run in session.current().orchestrator.task_runs(RunFilter())}
    values = {name: get_result(runs[name]) for name, golden in DOCUMENTS.items() if golden.settings == needed}
    assert values
    assert {name: value for name, value in values.items() if not same(value, DOCUMENTS[name].value)} == {}


def test_all_golden_files_are_read():
    summary = import_results(GOLDEN)
    assert (summary.imported, summary.others) == (len(DOCUMENTS), 0)


def test_golden_payloads_are_beside_their_documents():
    assert {path.name.partition(".")[0] for path in GOLDEN.glob("*.payload")} == {
        name for name, golden in DOCUMENTS.items() if golden.beside
    }
