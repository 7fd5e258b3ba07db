"""Previews of tables, arrays, images and figures."""

import base64
import io
import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import PIL.Image
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.results import preview_of


def preview(value: object) -> dict[str, Any]:
    text = preview_of(value)
    assert text is not None
    shown: dict[str, Any] = json.loads(text)
    thumbnail = shown.get("thumbnail", "")
    assert len(thumbnail) <= 24 * 1024
    assert len(text) - len(thumbnail) <= 4_096
    return shown


DATA = {
    "n": [1, 2, 3],
    "x": [0.5, None, 2.5],
    "s": ["a", "b\x1b[31m", None],
    "password": ["canary", "canary", "canary"],
}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_of_a_table_columns_rows_memory_and_the_first_rows_are_shown(make: Callable[[Any], Any]):
    shown = preview(make(DATA))
    assert (shown["kind"], shown["rows"], shown["width"]) == ("table", 3, 4)
    assert shown["memory"] > 0
    assert [each["name"] for each in shown["columns"]] == ["n", "x", "s", "password"]
    assert "64" in shown["columns"][0]["dtype"]
    assert shown["head"][0] == ["1", "0.5", "a", "**********"]
    assert "\x1b" not in shown["head"][1][2]
    assert "canary" not in json.dumps(shown)


@pytest.mark.parametrize(
    "make",
    [
        lambda each: pd.Series(each, name="a"),
        lambda each: pl.Series("a", each),
        pa.array,
        lambda each: pa.chunked_array([each]),
    ],
)
def test_a_series_is_a_table_of_one_column(make: Callable[[Any], Any]):
    shown = preview(make(list(range(1_000))))
    assert (shown["kind"], shown["rows"], shown["width"]) == ("table", 1_000, 1)
    assert shown["head"] == [[str(n)] for n in range(10)]


def test_the_labels_of_a_frame_are_shown_if_they_say_something():
    assert "index" not in preview(pd.DataFrame({"a": [1]}))
    assert preview(pd.DataFrame({"a": [1]}, index=["row"]))["index"] == ["row"]
    assert preview(pd.DataFrame({"a": [1]}, index=pd.Index(["canary"], name="token")))["index"] == ["**********"]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_wide_table_of_long_texts_still_fits(make: Callable[[Any], Any]):
    shown = preview(make({f"column {n} " + "é" * 100: ["ü" * 500] * 20 for n in range(300)}))
    assert shown["width"] == 300
    assert shown["columns"]


def test_cells_may_be_anything():
    frame = pd.DataFrame({"o": [object(), {"token": "canary"}, [1, 2]], "c": pd.Categorical(["a", "b", "a"])})
    frame["t"] = pd.to_datetime(["2026-01-01", None, "2026-01-03"])
    shown = preview(frame)
    assert [row[0] for row in shown["head"]] == ["<builtins.object>", '{"token": "**********"}', "[1, 2]"]
    assert shown["head"][1][2] == "NaT"


def test_columns_of_one_name_are_all_shown():
    assert preview(pd.DataFrame([[1, 2]], columns=["a", "a"]))["head"] == [["1", "2"]]


def test_an_empty_table_has_a_preview():
    assert preview(pd.DataFrame())["rows"] == 0
    assert preview(pl.DataFrame())["rows"] == 0
    assert preview(pa.table({}))["rows"] == 0


def test_a_lazy_frame_is_not_collected():
    def fail(frame: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError

    shown = preview(pl.DataFrame({"a": [1]}).lazy().map_batches(fail))
    assert shown["kind"] == "object"


def test_large_cells_of_a_table_are_not_made():
    assert preview(pa.table({"a": ["x" * 1_000_000]}))["head"] == [["…"]]
    assert preview(pl.DataFrame({"a": ["x" * 1_000_000]}))["head"] == [["…"]]


def test_of_an_array_shape_type_values_and_distribution_are_shown():
    assert preview(np.arange(40, dtype="int32").reshape(2, 20)) == {
        "kind": "array",
        "type": "numpy.ndarray",
        "shape": [2, 20],
        "dtype": "int32",
        "bytes": 160,
        "head": [[0, 1, 2, 3, 4, 5], [20, 21, 22, 23, 24, 25]],
        "stats": {"min": 0, "max": 39, "mean": 19.5, "histogram": [2] * 20},
    }


def test_what_is_no_number_is_counted():
    stats = preview(np.array([1.0, np.nan, np.inf, 3.0]))["stats"]
    assert (stats["nan"], stats["min"], stats["max"], stats["mean"]) == (1, 1.0, 3.0, 2.0)


def test_of_a_large_array_a_sample_is_looked_at_and_it_says_so():
    stats = preview(np.ones((300, 1_000, 5)))["stats"]
    assert 1_000 < stats["sampled"] <= 10_000
    assert preview(np.ones(1_000))["stats"].get("sampled") is None


def test_a_structured_array_is_a_table():
    shown = preview(np.array([(1, "a", "canary")], dtype=[("n", "i4"), ("s", "U5"), ("token", "U10")]))
    assert (shown["kind"], shown["head"]) == ("table", [["1", "a", "**********"]])


def test_an_array_that_lies_in_a_file_is_not_read(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.arange(10.0))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    for each in (mapped, mapped[2:], np.asarray(mapped)):
        shown = preview(each)
        assert shown["dtype"] == "float64"
        assert "head" not in shown
        assert "stats" not in shown


DTYPES = ("?", "i1", "u8", "i8", "f2", "f4", "f8", "g", "c16", "M8[ns]", "m8[s]", "U3", "S3", "O", "V4", "i4,f8")


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 6), max_size=5), st.booleans())
def test_an_array_of_any_type_and_shape_has_a_preview(dtype: str, shape: list[int], is_turned: bool):
    array = np.zeros(shape, dtype)
    assert preview(array.T if is_turned else array)["kind"] in ("array", "table")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(width=64), max_size=30), st.sampled_from(["f2", "f4", "f8"]))
def test_floats_of_any_value_have_a_preview(values: list[float], dtype: str):
    with np.errstate(all="ignore"):
        array = np.array(values).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert preview(array)["kind"] == "array"


def test_numpy_s_own_numbers_are_numbers():
    assert preview({"a": np.float32(1.5), "b": np.int64(3), "c": np.bool_(True), "d": np.datetime64("2026-01-01")})[
        "value"
    ] == {"a": 1.5, "b": 3, "c": True, "d": "2026-01-01"}


def test_inside_a_container_shape_and_type_are_shown():
    shown = preview({"array": np.zeros((2, 3)), "frame": pd.DataFrame({"a": [1]})})
    assert shown["value"] == {"array": "<numpy.ndarray float64 2 × 3>", "frame": "<pandas.DataFrame 1 × 1>"}


# Images


def thumbnail(shown: dict[str, Any]) -> PIL.Image.Image:
    image = PIL.Image.open(io.BytesIO(base64.b64decode(shown["thumbnail"])))
    image.load()
    return image


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I", "F", "I;16", "YCbCr", "HSV"])
def test_of_an_image_size_mode_and_a_thumbnail_are_shown(mode: str):
    shown = preview(PIL.Image.new(mode, (400, 100)))
    assert (shown["kind"], shown["width"], shown["height"], shown["mode"]) == ("image", 400, 100, mode)
    assert thumbnail(shown).size == (160, 40)


def test_a_thumbnail_looks_like_its_image():
    image = PIL.Image.new("RGB", (1_000, 1_000), "red")
    image.paste((0, 0, 255), (500, 0, 1_000, 1_000))
    small = thumbnail(preview(image)).convert("RGB")
    assert small.getpixel((20, 80)) == (255, 0, 0)
    assert small.getpixel((140, 80)) == (0, 0, 255)


def test_a_thumbnail_of_noise_has_room():
    noise = np.random.default_rng(1).integers(0, 255, (500, 500, 4), dtype="uint8")
    assert thumbnail(preview(PIL.Image.fromarray(noise))).size[0] >= 48


@pytest.mark.parametrize("size", [(1, 1), (5_000, 1), (0, 0)])
def test_an_image_of_any_shape_has_a_preview(size: tuple[int, int]):
    shown = preview(PIL.Image.new("RGB", size))
    assert ("thumbnail" in shown) == (size != (0, 0))


def test_an_image_that_was_opened_and_not_used_is_not_read(tmp_path: Path):
    PIL.Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    with PIL.Image.open(tmp_path / "a.png") as image:
        assert "thumbnail" not in preview(image)
        image.load()
        assert "thumbnail" in preview(image)


def figure() -> matplotlib.figure.Figure:
    made = matplotlib.figure.Figure(figsize=(6, 3))
    made.subplots().plot([1, 3, 2])
    return made


def test_of_a_figure_size_and_a_thumbnail_are_shown():
    shown = preview(figure())
    assert (shown["kind"], shown["width"], shown["height"]) == ("image", 600, 300)
    assert thumbnail(shown).size == (160, 80)


def test_a_figure_stays_as_it_was():
    made = figure()
    (axes,) = made.axes
    before = (made.canvas, made.dpi, tuple(made.get_size_inches()), made.stale, axes.stale, len(pickle.dumps(made)))
    preview(made)
    assert before == (
        *(made.canvas, made.dpi, tuple(made.get_size_inches()), made.stale, axes.stale),
        len(pickle.dumps(made)),
    )


def test_a_figure_that_cannot_be_copied_has_no_thumbnail():
    made = figure()
    made.axes[0].xaxis.set_major_formatter(lambda value, place: "")
    assert "thumbnail" not in preview(made)


def test_a_large_figure_is_not_drawn():
    made = figure()
    made.axes[0].plot(np.zeros(1_000_000))
    assert "thumbnail" not in preview(made)


@pytest.mark.slow
def test_a_figure_of_pyplot_s_gets_no_second_window():
    code = """
import json, matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from perdure.results import preview_of
figure, axes = plt.subplots()
assert "thumbnail" in json.loads(preview_of(figure))
assert plt.get_fignums() == [1]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.slow
def test_a_figure_does_not_import_pyplot():
    code = """
import json, sys, matplotlib.figure
from perdure.results import preview_of
figure = matplotlib.figure.Figure()
assert "thumbnail" in json.loads(preview_of(figure))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
