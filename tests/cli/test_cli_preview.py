"""Previews as people see them on the command line."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest
from rich.console import Console

from perdure.cli.preview import rendered
from perdure.results import preview_of


def shown(value: object, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), record=True, highlight=False, markup=False)
    console.print(rendered(json.loads(preview_of(value) or "")))
    return console.export_text()


def test_a_small_value_is_one_line_of_json():
    assert shown({"a": [1, None]}) == '{"a": [1, null]}\n'


def test_a_large_value_is_a_tree():
    text = shown({"a": 1, "rows": [{"id": n, "name": "x" * 20} for n in range(50)]})
    assert text.startswith("dict, 2 items\n├── a  1\n└── rows")
    assert "… 40 more" in text


def test_a_table_has_its_numbers_on_the_right():
    lines = shown(pd.DataFrame({"n": [1, 100], "city": ["Paris", "Rome"]})).splitlines()
    assert lines[0].startswith("2 rows × 2 columns, ")
    first, second = (line for line in lines if "Paris" in line or "Rome" in line)
    assert first.index("1") == second.index("100") + 2
    assert first.index("Paris") == second.index("Rome")


def test_what_is_left_out_of_a_table_is_counted():
    assert "… 90 more rows and 10 more columns" in shown(pd.DataFrame(np.zeros((100, 30), "i1")), 200)


def test_an_array_has_a_histogram():
    text = shown(np.array([0.0] * 4 + [1.0] * 2 + [np.nan]))
    assert "█" + " " * 18 + "▄" in text
    assert "NaN" in text


@pytest.mark.parametrize(
    "value", [np.array(5.0), np.zeros((0, 3)), np.zeros((2, 2, 2)), np.array(["a"]), np.zeros(100)]
)
def test_an_array_of_any_shape_is_shown(value: Any):
    assert "shape" in shown(value)


def test_of_an_image_its_size_is_shown_and_where_its_thumbnail_is():
    text = shown(PIL.Image.new("RGB", (640, 480)))
    assert "640 × 480 pixels" in text
    assert "in --json" in text


def test_of_an_exception_message_and_frames_are_shown():
    with pytest.raises(ValueError, match="no such") as caught:
        raise ValueError("no such thing")
    text = shown(caught.value)
    assert text.startswith("ValueError: no such thing\n  tests/cli/test_cli_preview.py:")


@pytest.mark.parametrize("value", ["a\nb", b"abc" * 100, object(), pd.Timestamp("2026-01-01"), 1.5, None, {"a"}])
def test_any_value_is_shown(value: object):
    assert shown(value)


def test_markup_in_a_value_stays_text():
    assert "[red]x[/red]" in shown(["[red]x[/red]" * 20])


def test_a_kind_from_a_later_version_is_no_error():
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(rendered({"kind": "hologram", "type": "a.B"}))
    assert "a.B" in console.export_text()


def test_what_a_sample_shows_of_a_large_array_is_marked():
    text = shown(np.arange(200_000.0))
    assert "≈ 99987.5" in text
    assert "elements, from which what is marked by ≈ comes" in text
    assert "≈" not in shown(np.arange(10.0))
