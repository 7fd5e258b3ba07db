"""Dask has tblib change how exceptions are pickled in its process: what Perdure writes and digests stays the same."""

import subprocess
import sys

import pytest

PROGRAM = """
import pickle
from perdure._engine.identity.named_digests import hash_objects
from perdure.serializers import PickleSerializer
from perdure.errors import FailedRun
errors = [ValueError("a"), KeyError("b", 1), FailedRun("c"), ExceptionGroup("d", [OSError(2, "e")])]
print([hash_objects(error) for error in errors])
print([PickleSerializer(picklelib=name).dumps(error) for error in errors for name in ("cloudpickle", "pickle")])
"""


@pytest.mark.slow
def test_exceptions_are_pickled_and_digested_as_where_nobody_imported_dask() -> None:
    made = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
        for program in (PROGRAM, f"import distributed\n{PROGRAM}")
    ]
    assert made[0] == made[1]
