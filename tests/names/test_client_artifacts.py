"""Artifacts are read by the calls that users of Prefect make."""

import asyncio
import json

import pytest

from perdure import flow, get_client
from perdure.artifacts import (
    Artifact,
    ArtifactFilter,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
)
from perdure.client.schemas.filters import ArtifactFilterFlowRunId, ArtifactFilterKey, ArtifactFilterType

client = get_client(sync_client=True)
PIXEL = b"\x89PNG\r\n\x1a\n"


def keys(**wanted: object) -> list[str | None]:
    return [each.key for each in client.read_artifacts(**wanted)]  # type: ignore[arg-type]


def test_the_newest_artifact_with_a_key_is_had_by_it() -> None:
    @flow
    def report(text: str) -> str:
        return create_markdown_artifact(text, key="report", description="daily")

    report("one")
    id = report("two")
    found = Artifact.get("report")
    assert (found.id, found.type, found.data, found.description) == (id, "markdown", "two", "daily")
    assert found.flow_run_id == client.read_flow_runs(limit=1)[0].id
    assert Artifact.get("nothing") is None


def test_in_a_coroutine_it_is_awaited() -> None:
    @flow
    async def report() -> str:
        create_markdown_artifact("one", key="report")
        found = await Artifact.get("report")
        return str(found.data)

    assert asyncio.run(report()) == "one"


def test_each_kind_has_the_data_that_it_has_in_prefect() -> None:
    create_link_artifact("https://example.com", text="here", key="link")
    create_link_artifact("https://example.com", key="bare")
    create_table_artifact([{"day": 1, "rows": 3}], key="table")
    create_progress_artifact(40, key="progress")
    create_image_artifact("https://example.com/a.png", key="image")
    create_image_artifact(PIXEL, key="pixel")
    data = {each.key: each.data for each in client.read_artifacts()}
    assert json.loads(str(data.pop("table"))) == [{"day": 1, "rows": 3}]
    assert data == {
        "link": "[here](https://example.com)",
        "bare": "[https://example.com](https://example.com)",
        "progress": 40.0,
        "image": "https://example.com/a.png",
        "pixel": "data:image/png;base64,iVBORw0KGgo=",
    }


def test_artifacts_are_filtered_sorted_and_paged() -> None:
    @flow
    def report(key: str) -> None:
        create_markdown_artifact(key, key=key)
        create_progress_artifact(1, key=f"{key}-done")

    report("tea")
    report("oil")
    create_markdown_artifact("of no key")
    oil, _ = client.read_flow_runs()
    assert keys() == [None, "oil-done", "oil", "tea-done", "tea"]
    assert keys(limit=2, offset=1) == ["oil-done", "oil"]
    assert keys(sort="CREATED_ASC", limit=2) == ["tea", "tea-done"]
    assert keys(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["tea", "oil"]))) == ["oil", "tea"]
    of_run = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[oil.id]), type=ArtifactFilterType(any_=["progress"])
    )
    assert keys(artifact_filter=of_run) == ["oil-done"]
    with pytest.raises(ValueError, match="key.like_"):
        keys(artifact_filter={"key": {"like_": "t"}})


def test_of_each_key_the_latest_is_read_and_one_is_deleted() -> None:
    async def main() -> list[object]:
        for number in range(2):
            create_markdown_artifact(str(number), key="report")
        create_markdown_artifact("of no key")
        async with get_client() as client:
            latest = await client.read_latest_artifacts()
            await client.delete_artifact(latest[0].id)
            left = await client.read_artifacts(artifact_filter={"key": {"any_": ["report"]}})
            return [each.data for each in (*latest, *left)]

    assert asyncio.run(main()) == ["1", "0"]
