"""Another thread may be in the middle of importing a library: what is there of it then is not used."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from perdure import flow, task
from perdure._model import colour
from perdure._platform.finished_imports import imported


class Reading:
    """A value whose digest and pickle are made by its class."""


def half(name: str) -> ModuleType:
    """A module as other threads see it while its import has just begun."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.__spec__._initializing = True  # type: ignore[attr-defined]
    return module


def test_module_is_imported_once_its_import_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "looks_at_itself.py").write_text(
        "from perdure._platform.finished_imports import imported\nmeanwhile = imported(__name__)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    import looks_at_itself  # type: ignore[import-not-found]

    assert looks_at_itself.meanwhile is None
    assert imported("looks_at_itself") is looks_at_itself
    assert imported("never_imported") is None


def test_no_loop_runs_here_while_another_thread_imports_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncio", half("asyncio"))

    assert not colour.on_event_loop()
    assert not colour.caller_is_async()
    assert colour.colour_of_plain_code() is False


@pytest.mark.parametrize("library", ["numpy", "pandas", "polars", "pyarrow", "pyarrow.lib", "torch"])
def test_results_are_persisted_while_another_thread_imports_a_library(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, half(library))

    @task
    def load(reading: Reading) -> list[Reading]:
        return [reading]

    @flow(durable=True)
    def loads() -> list[Reading]:
        return load(Reading())

    assert [type(each) for each in loads()] == [Reading]
