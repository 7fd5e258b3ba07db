"""What every process that uses Perdure pays for."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "heavy", ["pydantic", "sqlalchemy", "asyncio", "rich", "typer", "cryptography", "uuid", "shlex"]
)
def test_importing_perdure_leaves_heavy_packages_out(heavy: str):
    program = f"import sys, perdure; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
