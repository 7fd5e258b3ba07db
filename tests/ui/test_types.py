"""The page's types are those of the API as it is now."""

import re
from pathlib import Path
from typing import Any

import pytest

from perdure._http.config import ServerConfig
from perdure._server.app import create_app
from perdure._store.embedded import EmbeddedOrchestrator

TYPES = Path(__file__).parents[2] / "ui" / "src" / "api" / "schema.d.ts"


@pytest.fixture
def description(tmp_path: Path) -> dict[str, Any]:
    orchestrator = EmbeddedOrchestrator(tmp_path / "perdure.db")
    try:
        return create_app(orchestrator, ServerConfig()).openapi()
    finally:
        orchestrator.close()


@pytest.mark.slow
def test_the_pages_types_have_every_route_parameter_and_field(description: dict[str, Any]) -> None:
    known = set(re.findall(r"^ *\"?([^\s\"?:]+)\"?\??:", TYPES.read_text(), re.MULTILINE))
    operations = [each for path in description["paths"].values() for each in path.values()]
    parameters = {found["name"] for each in operations for found in each.get("parameters", ())}
    schemas = description["components"]["schemas"]
    fields = {name for schema in schemas.values() for name in schema.get("properties", ())}
    wanted = {*description["paths"], *(each["operationId"] for each in operations), *parameters, *schemas, *fields}
    assert sorted(wanted - known) == [], "`make ui-types` writes them anew"
