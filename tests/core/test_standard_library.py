"""Where the standard library lies, found without what takes long to import."""

import sysconfig
from pathlib import Path

import pytest

from perdure._platform.standard_library import folders


@pytest.mark.parametrize("name", ["stdlib", "platstdlib"])
def test_the_folders_are_those_that_python_itself_names(name: str) -> None:
    assert Path(sysconfig.get_path(name)).resolve() in [Path(folder).resolve() for folder in folders()]
