"""Integrations as modules: found by the types of their blocks, and light to import."""

import subprocess
import sys

import pytest

from perdure.integrations import blocks


def python(code: str) -> str:
    """What a fresh process prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_types_of_blocks_are_found_without_an_import() -> None:
    code = "from perdure.blocks import block_class; print(block_class('s3-bucket'), block_class('dbt-cli-profile'))"
    assert "perdure.integrations.aws.S3Bucket" in python(code)


@pytest.mark.slow
def test_no_integration_imports_its_library() -> None:
    libraries = {"boto3", "obstore", "httpx", "sqlalchemy", "google.auth", "azure", "slack_sdk", "pandas"}
    loaded = python("import sys, perdure.integrations.blocks; print(*sys.modules)").split()
    assert libraries & set(loaded) == set()
    assert "perdure.integrations" not in python("import sys, perdure; print(*sys.modules)").split()


@pytest.mark.parametrize("name", blocks.__all__)
def test_all_names_of_a_module_are_there(name: str) -> None:
    module = getattr(blocks, name)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []
    assert all(getattr(module, each).__doc__ for each in module.__all__)
