"""The page on notebooks, run as a notebook; and what its cells rely on, without one."""

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from stories import stories

from perdure import flow, task
from perdure.states import State

ROOT = Path(__file__).parents[2]
BLOCKS = [block for story in stories(ROOT / "docs/concepts/notebooks.md", ROOT) for block in story.blocks]


def run_cells(cells: list[str]) -> list[str]:
    """What each cell prints and shows."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=170, kernel_name="python3").execute()
    return ["".join(map(_shown, cell.outputs)) for cell in notebook.cells]


def _shown(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text) if output.name == "stdout" else ""
    return f"{output.data['text/plain']}\n"


@pytest.mark.slow
def test_the_cells_of_the_page_on_notebooks_show_what_it_says() -> None:
    reported = run_cells([block.code for block in BLOCKS])
    assert reported == [block.prints or "" for block in BLOCKS]


@task
def one() -> int:
    return 1


@task
def fails() -> None:
    raise ValueError("no")


@flow
def whole() -> int:
    return one()


def on_a_loop(call: Any) -> Any:
    """What a call gives in code on an event loop that is in no run, as that of a notebook."""

    async def cell() -> Any:
        return call()

    return asyncio.run(cell())


@pytest.mark.parametrize("run", [one, whole])
@pytest.mark.filterwarnings("error")
def test_a_state_gives_its_value_on_a_loop_outside_all_runs(run: Any) -> None:
    assert on_a_loop(lambda: run(return_state=True).result()) == 1


@pytest.mark.filterwarnings("error")
def test_a_failed_state_raises_on_a_loop_outside_all_runs() -> None:
    with pytest.raises(ValueError, match="no"):
        on_a_loop(lambda: fails(return_state=True).result())
    assert isinstance(on_a_loop(lambda: fails(return_state=True).result(raise_on_failure=False)), ValueError)


def test_a_coroutine_of_the_value_can_be_had_there_too() -> None:
    async def cell() -> Any:
        state: State[int] = one(return_state=True)
        return await state.result(fetch=True), state.result(fetch=False)

    value, raw = asyncio.run(cell())
    assert (value, raw.get()) == (1, 1)


@pytest.mark.slow
def test_what_a_cell_raises_has_its_own_frames() -> None:
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[nbformat.v4.new_code_cell(BLOCKS[0].code), nbformat.v4.new_code_cell("broken.submit().result()")]
    )
    NotebookClient(notebook, timeout=170, kernel_name="python3", allow_errors=True).execute()
    (error,) = (output for output in notebook.cells[1].outputs if output.output_type == "error")
    assert error.ename == "ValueError"
    assert "perdure" not in "".join(error.traceback)
