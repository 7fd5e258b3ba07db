"""Artifacts in the database."""

from collections.abc import Sequence

from perdure._model.records import ArtifactRecord
from perdure._rooms.artifacts.records import ArtifactFilter
from perdure._rooms.artifacts.tables import ARTIFACT
from perdure._store.sql.access import NO_CONDITIONS, Access

_NEWEST = "NOT EXISTS (SELECT 1 FROM artifact AS newer WHERE newer.key = artifact.key AND newer.id > artifact.id)"


class SqlArtifacts:
    """What an orchestrator over a database does for artifacts, beside keeping those that are reported."""

    _access: Access

    def artifacts(self, filter: ArtifactFilter) -> Sequence[ArtifactRecord]:
        """The artifacts that the filter lets through, newest first."""
        self._access.writer.flush()
        where = ([_NEWEST], []) if filter.latest else NO_CONDITIONS
        return self._access.filtered(ARTIFACT, filter, "id DESC", where=where)

    def delete_artifact(self, id: str) -> bool:
        """Forget an artifact; False if there is none with this id."""
        return self._access.writer.execute(self._access.sql.forget_artifact, (id,)) == 1
