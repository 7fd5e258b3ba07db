"""The table of artifacts."""

from perdure._model.records import ArtifactRecord
from perdure._model.tables import Index, Table

ARTIFACT = Table(
    "artifact",
    ArtifactRecord,
    Index("artifact_by_key", ("key", "id"), where="key IS NOT NULL"),
    Index("artifact_by_flow_run", ("flow_run_id", "id")),
)
TABLES = (ARTIFACT,)
