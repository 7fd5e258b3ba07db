"""Things to look at that runs make beside their results: text, tables, images, links and progress.

Each function reports a record and returns at once, in plain code and in coroutines alike. What it returns is the
artifact's id, a text, which may also be awaited.
"""

from perdure._client.run_filters import ArtifactFilter
from perdure._platform.moved import export
from perdure._rooms.artifacts.creation import ArtifactId, create_link_artifact, create_markdown_artifact
from perdure._rooms.artifacts.images import create_image_artifact
from perdure._rooms.artifacts.progress import create_progress_artifact, update_progress, update_progress_artifact
from perdure._rooms.artifacts.reading import Artifact
from perdure._rooms.artifacts.table_artifacts import create_table_artifact

# By their names in coroutines of Prefect 3: what they return may be awaited.
acreate_image_artifact, acreate_link_artifact = create_image_artifact, create_link_artifact
acreate_markdown_artifact, acreate_table_artifact = create_markdown_artifact, create_table_artifact
acreate_progress_artifact, aupdate_progress_artifact = create_progress_artifact, update_progress_artifact

__all__ = [
    "Artifact",
    "ArtifactFilter",
    "ArtifactId",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "update_progress",
    "update_progress_artifact",
]

__path__: list[str] = []  # what was below it is found by its former name

export(globals())
