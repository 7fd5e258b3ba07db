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

class Artifact:
    def __init__(self, record: ArtifactRecord) -> None: ...
    @classmethod
    async def aget(cls, key: str) -> Artifact | None: ...
    created: datetime
    @property
    def data(self) -> str | float | None: ...
    description: object
    @classmethod
    def get(cls, key: str) -> Any: ...
    id: object
    key: object
    type: object
    updated: datetime

class ArtifactFilter(_Filter):
    def __init__(self, **conditions: object) -> None: ...

class ArtifactId(AwaitableText):
    ...

from perdure.artifacts import create_image_artifact as acreate_image_artifact

from perdure.artifacts import create_link_artifact as acreate_link_artifact

from perdure.artifacts import create_markdown_artifact as acreate_markdown_artifact

from perdure.artifacts import create_progress_artifact as acreate_progress_artifact

from perdure.artifacts import create_table_artifact as acreate_table_artifact

from perdure.artifacts import update_progress_artifact as aupdate_progress_artifact

def create_image_artifact(
    image: object = None,
    key: str | None = None,
    description: str | None = None,
    *,
    image_url: str | None = None,
) -> ArtifactId: ...

def create_link_artifact(
    url: str | None = None,
    text: str | None = None,
    key: str | None = None,
    description: str | None = None,
    *,
    link: str | None = None,
    link_text: str | None = None,
) -> ArtifactId: ...

def create_markdown_artifact(
    markdown: str,
    key: str | None = None,
    description: str | None = None,
) -> ArtifactId: ...

def create_progress_artifact(
    progress: float,
    key: str | None = None,
    description: str | None = None,
) -> ArtifactId: ...

def create_table_artifact(
    table: object,
    key: str | None = None,
    description: str | None = None,
) -> ArtifactId: ...

def update_progress(id: str, percent: float) -> ArtifactId: ...

def update_progress_artifact(
    artifact_id: str,
    progress: float,
    description: str | None = None,
) -> ArtifactId: ...
