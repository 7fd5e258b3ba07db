"""Python's own lazy imports, from 3.15 on: a name whose import was put off stands for what will be imported."""

import importlib
import sys
from pathlib import Path

import pytest

from perdure._engine.identity.source import digests_of_source


@pytest.mark.skipif(sys.version_info < (3, 15), reason="imports are lazy from Python 3.15 on")
def test_the_source_of_a_task_is_the_same_before_and_after_its_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lazy_helper.py").write_text("def twice(x):\n    return 2 * x\n")
    for name, lazy in (("lazy_job", "lazy "), ("eager_job", "")):
        text = (
            f"{lazy}import json\n{lazy}from lazy_helper import twice\n\ndef job(x):\n    return json.dumps(twice(x))\n"
        )
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    lazy_job = importlib.import_module("lazy_job").job
    before = digests_of_source(lazy_job)
    assert lazy_job(1) == "2"
    assert before == digests_of_source(lazy_job) == digests_of_source(importlib.import_module("eager_job").job)
