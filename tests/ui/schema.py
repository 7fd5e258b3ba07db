"""Writes the server's OpenAPI description, from which the page's types are made: `python -m tests.ui.schema FILE`."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from perdure._http.config import ServerConfig
from perdure._server.app import create_app
from perdure._store.embedded import EmbeddedOrchestrator


def write_schema(file: Path) -> None:
    """Write it as JSON."""
    with TemporaryDirectory() as folder:
        orchestrator = EmbeddedOrchestrator(Path(folder, "perdure.db"))
        try:
            file.write_text(json.dumps(create_app(orchestrator, ServerConfig()).openapi()))
        finally:
            orchestrator.close()


if __name__ == "__main__":
    write_schema(Path(sys.argv[1]))
