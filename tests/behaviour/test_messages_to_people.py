"""Small things that are said and offered as a careful user wants them."""

import subprocess
import sys

import pytest

from perdure import flow, task
from perdure.errors import DefinitionError
from tests.behaviour.conftest import Known


def test_a_retry_is_announced_with_a_short_delay_and_one_full_stop(known: Known) -> None:
    @task(retries=1, retry_delay_seconds=0.0123456)
    def fails() -> None:
        raise ConnectionError

    @flow
    def f() -> str:
        fails(return_state=True)
        return "done"

    state = f(return_state=True)

    lines = [line.message for line in known.lines(state.flow_run_id)]
    assert "Task run encountered an exception ConnectionError. Retry 1 of 1 follows in 0.0123 s." in lines


@pytest.mark.parametrize("path", ["./results", "/tmp/results", "~/results", "results", "a/b/c"])
def test_a_path_given_as_a_storage_suggests_the_storage_of_files(path: str) -> None:
    with pytest.raises(DefinitionError, match=rf"LocalFileSystem\(basepath='{path}'\)"):
        flow(persist_result=True, result_storage=path)(lambda: [1])


def test_public_modules_need_no_import_of_their_own() -> None:
    code = "import perdure; print(perdure.runtime.__name__, perdure.errors.ResultMissing.__name__)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "perdure.runtime ResultMissing\n"
