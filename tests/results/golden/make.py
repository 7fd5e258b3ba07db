"""Writes the golden documents that are not there yet; what is there is never written again.

    python tests/results/golden/make.py

A document of a new kind is added to `golden_values.py`, made by this, and committed. From then on, every version of
Perdure reads it. To be small, payloads are made of values that would lie in their documents otherwise.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TARGET = Path(sys.argv[1]) if sys.argv[1:] else HERE / "perdure_0_1"


def main() -> None:
    sys.path.insert(0, str(HERE.parent))
    from golden_values import DOCUMENTS, Golden

    from perdure import session, settings, task
    from perdure.filesystems import LocalFileSystem

    def write(name: str, golden: Golden) -> None:
        @task(persist_result=True, result_storage_key=name, result_storage=LocalFileSystem(basepath=TARGET))
        def give() -> Any:
            return golden.value

        os.environ |= golden.settings
        settings.reload()
        if isinstance(golden.value, Exception):  # a failure's key is never a template's
            _write_exception(name, golden.value, golden.serializer, LocalFileSystem(basepath=TARGET))
        else:
            give.with_options(result_serializer=golden.serializer)()
        session.close()
        for each in golden.settings:
            del os.environ[each]

    with tempfile.TemporaryDirectory() as home:
        os.environ["PERDURE_HOME"] = home
        usual = _set_threshold(64)
        for name, golden in DOCUMENTS.items():
            if not (TARGET / name).exists():
                _set_threshold(64 if golden.beside else usual)
                write(name, golden)
                beside = list(TARGET.glob(f"{name}.*.payload"))
                assert len(beside) == golden.beside, f"{name} has {len(beside)} payloads"
                sys.stdout.write(f"{name}\n")


def _write_exception(name: str, error: Exception, serializer: str, storage: Any) -> None:
    from perdure._results.store import write_result
    from perdure.serializers import Serializer

    write_result(error, name, storage, Serializer.from_name(serializer), "", keep=False)


def _set_threshold(size: int) -> int:
    """Have values of more than `size` bytes written beside their documents; the size that it was before."""
    import perdure._serializers.payload as payload

    before = payload.THRESHOLD
    for name, module in list(sys.modules.items()):
        if name.startswith("perdure._serializers") and hasattr(module, "THRESHOLD"):
            module.THRESHOLD = size  # type: ignore[attr-defined]
    payload.Spool.__init__.__defaults__ = (size,)
    return before


if __name__ == "__main__":
    main()
