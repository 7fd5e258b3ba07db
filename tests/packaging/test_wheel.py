"""The wheel holds the whole package, and the server's page where it could be built."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    source = ROOT / "src"
    files = {str(file.relative_to(source)) for file in source.rglob("*") if file.is_file()}
    expected = {name for name in files if "__pycache__" not in name}
    page = ROOT / "ui" / "dist"
    expected |= {f"perdure/_server/ui/{file.relative_to(page)}" for file in page.rglob("*") if file.is_file()}
    assert {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name} == expected
