"""The page of figures."""

from pathlib import Path

from bench.figures import PARTS, page


def test_the_page_has_what_was_measured_and_names_what_was_not(tmp_path: Path):
    (tmp_path / "large.md").write_text("| a | b |\n|---|--:|\n| x | 1 |\n")
    made = page(tmp_path)
    assert "## Large results\n\n`python -m bench.large`, " in made
    assert "| x | 1 |\n" in made
    assert "Not measured there: `python -m bench`, `python -m bench.profile`, `python -m bench.resuming`" in made


def test_each_benchmark_that_keeps_a_table_is_on_the_page():
    bench = Path(__file__).parents[2] / "bench"
    kept = {path.stem for path in bench.glob("*.py") if f'"results" / "{path.stem}.md"' in path.read_text()}
    assert kept | {"latest"} == set(PARTS)
