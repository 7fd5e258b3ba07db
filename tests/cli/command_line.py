"""The types of the fixtures that call `perdure`."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Perdure = Callable[..., Result]
Program = Callable[[str], Path]
