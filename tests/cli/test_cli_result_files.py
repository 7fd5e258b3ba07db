"""`perdure result get`: files and parts of values"""

import json
from pathlib import Path
from typing import Any

import numpy
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from command_line import Perdure
from PIL import Image

from perdure import flow

ROWS = {"x": [1, 2, 3], "s": ["a", "b", "c"]}


def returned(value: Any, **options: Any) -> None:
    """Run a flow named `giver` that returns the value."""

    @flow(flow_run_name="giver", persist_result=True, **options)
    def give() -> Any:
        return value

    give()


def read(path: Path) -> Any:
    match path.suffix:
        case ".csv":
            return pandas.read_csv(path).to_dict("list")
        case ".parquet":
            return pyarrow.parquet.read_table(path).to_pydict()
        case ".arrow":
            with pyarrow.ipc.open_file(path) as file:
                return file.read_all().to_pydict()
        case ".json":
            return pandas.DataFrame(json.loads(path.read_text())).to_dict("list")
    return pandas.DataFrame(map(json.loads, path.read_text().splitlines())).to_dict("list")


@pytest.mark.parametrize("end", [".csv", ".parquet", ".arrow", ".json", ".jsonl"])
@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame, pyarrow.table])
def test_a_table_is_written_as_the_name_of_the_file_ends(perdure: Perdure, tmp_path: Path, frame: Any, end: str):
    returned(frame(ROWS))
    path = tmp_path / f"table{end}"
    assert perdure("result", "get", "giver", "-o", path).stdout == f"Wrote {path}.\n"
    assert read(path) == ROWS
    assert list(tmp_path.glob(".*table*")) == []


INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize("end", [".json", ".jsonl"])
@pytest.mark.parametrize(
    ("value", "of_nan"),
    [
        (pandas.DataFrame({"x": [1.5, INF, NAN], "s": [None, [-INF], "a"]}), None),
        (polars.DataFrame({"x": [1.5, INF, NAN], "s": [None, [-INF], []]}), "NaN"),
        (pyarrow.table({"x": [1.5, INF, NAN], "s": [None, [-INF], []]}), "NaN"),
        ([{"x": 1.5, "s": None}, {"x": INF, "s": [-INF]}, {"x": NAN}], "NaN"),
    ],
)
def test_numbers_that_json_has_no_form_for_are_named(
    perdure: Perdure, tmp_path: Path, value: Any, of_nan: str | None, end: str
):
    returned(value)
    path = tmp_path / f"table{end}"
    perdure("result", "get", "giver", "-o", path)
    text = path.read_text()
    rows = json.loads(text, parse_constant=refused) if end == ".json" else list(map(json.loads, text.splitlines()))
    assert rows[:2] == [{"x": 1.5, "s": None}, {"x": "Infinity", "s": ["-Infinity"]}]
    assert rows[2]["x"] == of_nan


def refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def test_what_is_printed_as_json_has_names_for_numbers_that_json_lacks(perdure: Perdure):
    returned([INF, {"x": -INF}, NAN])
    printed = [perdure("result", "get", "giver").stdout, perdure("result", "get", "giver", "--json").stdout]
    plain, shown = (json.loads(each, parse_constant=refused) for each in printed)
    assert plain == shown["value"] == ["Infinity", {"x": "-Infinity"}, "NaN"]


def test_rows_of_json_are_written_as_csv_and_lines(perdure: Perdure, tmp_path: Path):
    returned([{"x": 1, "s": "a"}, {"x": 2}])
    for name in ("rows.csv", "rows.jsonl"):
        perdure("result", "get", "giver", "-o", tmp_path / name)
    assert (tmp_path / "rows.csv").read_text() == "x,s\n1,a\n2,\n"
    assert (tmp_path / "rows.jsonl").read_text() == '{"x": 1, "s": "a"}\n{"x": 2}\n'


@pytest.mark.parametrize("name", ["value.csv", "value.parquet"])
def test_json_is_not_written_under_the_name_of_another_format(perdure: Perdure, tmp_path: Path, name: str):
    returned({"a": 1})
    ended = perdure("result", "get", "giver", "-o", tmp_path / name)
    assert ended.exit_code == 1
    assert "A dict can be written as .json" in ended.stderr


def test_an_array_is_written_as_npy_or_csv(perdure: Perdure, tmp_path: Path):
    array = numpy.array([[1.5, 2], [3, 4]])
    returned(array)
    for name in ("a.npy", "a.csv"):
        perdure("result", "get", "giver", "-o", tmp_path / name)
    assert (numpy.load(tmp_path / "a.npy") == array).all()
    assert (tmp_path / "a.csv").read_text() == "1.5,2\n3,4\n"


def test_an_image_is_written_as_png(perdure: Perdure, tmp_path: Path):
    returned(Image.new("RGB", (3, 2)))
    perdure("result", "get", "giver", "-o", tmp_path / "image.png")
    with Image.open(tmp_path / "image.png") as image:
        assert image.size == (3, 2)


def test_a_format_that_does_not_hold_the_value_is_refused_and_those_that_do_are_named(perdure: Perdure, tmp_path: Path):
    returned(pandas.DataFrame(ROWS))
    ended = perdure("result", "get", "giver", "-o", tmp_path / "table.xls")
    assert ended.exit_code == 1
    assert "can be written as .csv, .parquet, .arrow, .json, .jsonl" in ended.stderr


def test_a_file_stays_as_it_was_if_the_value_does_not_fit(perdure: Perdure, tmp_path: Path):
    returned(numpy.zeros((2, 2, 2)))
    path = tmp_path / "a.csv"
    path.write_text("mine")
    ended = perdure("result", "get", "giver", "-o", path)
    assert ended.exit_code == 1
    assert "3 dimensions" in ended.stderr
    assert path.read_text() == "mine"


def test_columns_and_rows_of_a_table_are_loaded_without_the_rest(perdure: Perdure, tmp_path: Path):
    returned(pandas.DataFrame(ROWS), result_serializer="parquet")
    path = tmp_path / "part.json"
    perdure("result", "get", "giver", "--columns", "s", "--rows", "1:3", "-o", path)
    assert read(path) == {"s": ["b", "c"]}


def test_columns_may_be_given_several_times(perdure: Perdure, tmp_path: Path):
    frame = pandas.DataFrame({name: [1] for name in "abc"})
    returned(frame, result_serializer="parquet")
    path = tmp_path / "part.jsonl"
    perdure("result", "get", "giver", "--columns", "c", "--columns", "a", "-o", path)
    assert path.read_text() == '{"c":1,"a":1}\n'


def test_rows_that_are_not_two_numbers_are_refused(perdure: Perdure):
    returned([1])
    ended = perdure("result", "get", "giver", "--rows", "first")
    assert ended.exit_code == 2
    assert "Write FROM:TO" in ended.stderr


def test_raw_gives_the_file_that_the_serializer_wrote(perdure: Perdure, tmp_path: Path):
    returned(numpy.arange(100_000), result_serializer="numpy")
    perdure("result", "get", "giver", "--raw", "-o", tmp_path / "a.npy")
    assert (numpy.load(tmp_path / "a.npy") == numpy.arange(100_000)).all()
    assert perdure("result", "get", "giver", "--raw").stdout_bytes == (tmp_path / "a.npy").read_bytes()


def test_raw_does_not_give_a_stream_without_its_buffers(perdure: Perdure):
    returned(numpy.arange(100_000))
    ended = perdure("result", "get", "giver", "--raw")
    assert ended.exit_code == 1
    assert "1 buffer" in ended.stderr
