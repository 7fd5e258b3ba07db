"""The wheel holds the whole package, and the server's page where it could be built."""

import re
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
    names = ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == expected
    materials = [Path(name).name for name in names if ".dist-info/sboms/" in name]
    assert materials == [each.name for each in page.glob("sbom.cdx.json")]  # where the page is built


def test_the_image_is_built_from_all_that_the_package_is_built_from():
    copied = re.findall(r"^COPY (?:--from=page )?(.+) \S+$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    sent = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    sources = {source for line in copied for source in line.split() if not source.startswith("/")}
    assert {source for source in sources if not any(Path(source).is_relative_to(each) for each in sent)} == {
        "--from=build"
    }
    assert {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "src", "ui"} <= sources
    assert [source for source in sources - {"--from=build"} if not (ROOT / source).exists()] == []
