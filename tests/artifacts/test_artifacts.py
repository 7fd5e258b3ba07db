import asyncio
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure import flow, runtime, session, task
from perdure.artifacts import (
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress,
)
from perdure.errors import ArtifactError
from perdure.records import ArtifactFilter, ArtifactRecord, LogFilter


def kept(**fields: Any) -> Sequence[ArtifactRecord]:
    return session.current().orchestrator.artifacts(ArtifactFilter(**fields))


def data_of(id: str) -> Any:
    return json.loads(kept(ids=(id,))[0].data)


def test_an_artifact_is_kept_with_the_flow_run_and_task_run_that_made_it():
    @task
    def make() -> tuple[str, str]:
        return create_markdown_artifact("# Rows"), str(runtime.task_run.id)

    @flow
    def pipeline() -> tuple[str, str, str]:
        return *make(), str(runtime.flow_run.id)

    id, task_run_id, flow_run_id = pipeline()
    found = kept(ids=(id,))[0]
    assert (found.flow_run_id, found.task_run_id) == (flow_run_id, task_run_id)
    assert json.loads(found.data) == {"markdown": "# Rows"}


def test_an_artifact_outside_all_runs_belongs_to_none():
    found = kept(ids=(create_markdown_artifact("text", description="what it is"),))[0]
    assert (found.flow_run_id, found.task_run_id, found.description) == (None, None, "what it is")


def test_what_makes_an_artifact_may_be_awaited_or_not():
    @flow
    async def pipeline() -> list[str]:
        return [await create_markdown_artifact("one"), create_markdown_artifact("two")]

    one, two = asyncio.run(pipeline())
    assert [data_of(id)["markdown"] for id in (one, two)] == ["one", "two"]


def test_a_key_has_a_version_from_each_run():
    first, second = (create_link_artifact("https://example.org", "here", key="report") for _ in range(2))
    assert [each.id for each in kept(key="report")] == [second, first]
    assert [each.id for each in kept(latest=True)] == [second]


@pytest.mark.parametrize("key", ["Report", "a b", "-a", "", "a" * 1_001, "a/b", 7])
def test_a_key_of_other_than_letters_digits_and_dashes_is_refused(key: Any):
    with pytest.raises(ArtifactError, match="cannot be an artifact's key"):
        create_markdown_artifact("text", key=key)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        " javascript:alert(1)",
        "s3:",
        "https:",
        "/a\nb",
        "https://a/\nb",
        "",
        None,
        7,
    ],
)
def test_a_link_that_is_code_or_no_address_is_refused(url: Any):
    with pytest.raises(ArtifactError, match="is no link that is kept"):
        create_link_artifact(url)


@pytest.mark.parametrize(
    "url", ["s3://bucket/key", "gs://bucket/key", "file:///data/report.html", "/reports/1", "reports/1.html#day"]
)
def test_a_link_to_a_place_that_no_browser_opens_is_kept(url: str):
    assert data_of(create_link_artifact(url))["url"] == url


@pytest.mark.parametrize("url", ["s3://bucket/a.png", "file:///a.png", "ftp://host/a.png"])
def test_an_image_is_at_an_address_that_browsers_load(url: str):
    with pytest.raises(ArtifactError, match="is no link that is kept"):
        create_image_artifact(url)


def test_a_link_to_an_address_or_a_mailbox_is_kept():
    assert data_of(create_link_artifact("mailto:a@example.org")) == {"url": "mailto:a@example.org", "text": None}
    assert data_of(create_link_artifact("HTTPS://example.org/?a=b", "here"))["text"] == "here"


def warnings_of_runs() -> list[str]:
    return [each.message for each in session.current().orchestrator.log_lines(LogFilter(min_level=30))]


def test_of_text_of_more_than_a_mebibyte_the_beginning_is_kept_with_a_line_that_says_so():
    @flow
    def report() -> str:
        return create_markdown_artifact('"ä\n' * 300_000)

    text = data_of(report())["markdown"]
    assert 700_000 < len(json.dumps(text, ensure_ascii=False).encode()) <= 2**20
    kept_length = text.index("\n\n---\n\n*The first ")
    assert f"*The first {kept_length:,} of 900,000 characters" in text
    assert f"The first {kept_length:,} of 900,000" in warnings_of_runs()[0]


@pytest.mark.parametrize(
    "table",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        {"a": [1, 2], "b": ["x", None]},
        polars.DataFrame({"a": [1, 2], "b": ["x", None]}),
        pyarrow.table({"a": [1, 2], "b": ["x", None]}),
        pandas.DataFrame({"a": [1, 2], "b": pandas.Series(["x", None], dtype=object)}),
    ],
    ids=lambda table: type(table).__module__.partition(".")[0],
)
def test_a_table_is_rows_columns_or_a_frame(table: Any):
    assert data_of(create_table_artifact(table)) == {"columns": ["a", "b"], "rows": [[1, "x"], [2, None]]}


def test_rows_of_different_lengths_and_cells_that_json_lacks_are_kept():
    made = data_of(create_table_artifact([[1, date(2026, 1, 2)], [float("nan")], [object]]))
    assert made["columns"] == ["0", "1"]
    assert made["rows"] == [[1, "2026-01-02"], ["NaN", None], [str(object), None]]


@pytest.mark.parametrize("table", ["text", 7, [1, 2], {"a": 1}, ["ab"]])
def test_what_is_no_table_is_refused(table: Any):
    with pytest.raises(ArtifactError, match="is no table"):
        create_table_artifact(table)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ArtifactError, match="different lengths"):
        create_table_artifact({"a": [1], "b": [1, 2]})


NUMBERS = range(2_001)


@pytest.mark.parametrize(
    "table",
    [
        [[each] for each in NUMBERS],
        ({"a": each} for each in NUMBERS),
        {"a": list(NUMBERS)},
        pandas.DataFrame({"a": NUMBERS}),
        polars.DataFrame({"a": NUMBERS}),
        pyarrow.table({"a": list(NUMBERS)}),
    ],
    ids=lambda table: type(table).__module__.partition(".")[0],
)
def test_a_table_of_thousands_of_rows_is_kept_whole(table: Any):
    made = data_of(create_table_artifact(table))
    assert made["rows"] == [[each] for each in NUMBERS]
    assert "total" not in made


def test_of_a_table_of_more_than_a_mebibyte_the_first_rows_are_kept_and_how_many_there_were():
    @flow
    def report() -> str:
        return create_table_artifact([{"a": each, "b": "x" * 1_000} for each in NUMBERS], key="big")

    made = data_of(report())
    count = len(made["rows"])
    assert (made["total"], [row[0] for row in made["rows"]]) == (2_001, list(range(count)))
    assert 2**20 - 2_000 < len(json.dumps(made).encode()) <= 2**20
    (said,) = warnings_of_runs()
    assert f"The table 'big' is larger than a MiB, so the first {count:,} of its 2,001 rows are kept" in said


def test_an_image_that_is_too_large_is_left_out_and_its_size_is_kept():
    @flow
    def draw() -> str:
        return create_image_artifact(b"\x89PNG\r\n\x1a\n" + bytes(800_000), key="figure")

    assert data_of(draw()) == {"type": "image/png", "size": 800_008}
    assert "The image 'figure' takes 800,008 bytes" in warnings_of_runs()[0]


@pytest.mark.parametrize(("percent", "kept_percent"), [(130.0, 100), (-1, 0)])
def test_a_progress_beyond_its_ends_is_at_its_end_and_the_log_says_so(percent: float, kept_percent: int):
    @flow
    def copy() -> str:
        return create_progress_artifact(percent)

    assert data_of(copy()) == {"percent": kept_percent}
    assert f"A progress of {percent} percent is kept as {kept_percent}" in warnings_of_runs()[0]


def test_an_image_is_bytes_a_path_or_an_object_of_pillows(tmp_path: Path):
    image = pytest.importorskip("PIL.Image").new("RGB", (4, 4), "red")
    written = io.BytesIO()
    image.save(written, "PNG")
    file = tmp_path / "image.png"
    file.write_bytes(written.getvalue())
    made = [data_of(create_image_artifact(each)) for each in (written.getvalue(), file, str(file), image)]
    assert all(each == made[0] for each in made)
    assert made[0]["type"] == "image/png"


def test_of_an_image_elsewhere_the_address_is_kept():
    assert data_of(create_image_artifact("https://example.org/a.png")) == {"url": "https://example.org/a.png"}
    assert data_of(create_image_artifact(image_url="http://a.org/b.png")) == {"url": "http://a.org/b.png"}
    with pytest.raises(ArtifactError, match="is no link"):
        create_image_artifact("javascript://example.org/%0aalert(1)")


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (b"<svg onload='alert(1)'/>", "of no kind that is kept"),
        (b"RIFF0000WAVE", "of no kind that is kept"),
        ("missing.png", "cannot be read: No such file"),
        (7, "A int is no image"),
    ],
)
def test_what_is_no_small_image_is_refused(image: Any, why: str):
    with pytest.raises(ArtifactError, match=why):
        create_image_artifact(image)


def test_progress_is_reported_a_few_times_a_second_and_the_last_of_it_always():
    id = create_progress_artifact(0, description="copying")
    assert data_of(id) == {"percent": 0}  # what reading needs is imported from here on
    update_progress(id, 1)
    for percent in range(2, 60):
        update_progress(id, percent)
    assert data_of(id) == {"percent": 1}
    deadline = time.monotonic() + 60
    while data_of(id) != {"percent": 59} and time.monotonic() < deadline:
        time.sleep(0.01)
    assert data_of(id) == {"percent": 59}


def test_progress_that_is_complete_is_reported_at_once_and_stays_so():
    id = create_progress_artifact(0)
    for percent in (10, 20, 100):
        update_progress(id, percent)
    assert data_of(id) == {"percent": 100}
    time.sleep(0.28)
    assert data_of(id) == {"percent": 100}


@pytest.mark.slow
def test_progress_that_waits_is_reported_when_the_process_ends(home: Path):
    program = (
        "from perdure.artifacts import *; id = create_progress_artifact(0); [update_progress(id, n) for n in (1, 2)]"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, timeout=60, env=os.environ | {"PERDURE_HOME": str(home)}
    )
    assert json.loads(kept()[0].data) == {"percent": 2}


@pytest.mark.parametrize("percent", [float("nan"), "5", True, None])
def test_progress_that_is_no_number_is_refused(percent: Any):
    with pytest.raises(ArtifactError, match="Give a number from 0 to 100"):
        create_progress_artifact(percent)


@pytest.mark.slow
@given(st.text(max_size=50))
def test_any_text_is_kept_as_markdown(text: str):
    shown = data_of(create_markdown_artifact(text))["markdown"]
    assert shown == text
