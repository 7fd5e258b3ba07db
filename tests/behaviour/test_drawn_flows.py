"""`flow.visualize()`: the graph of what a flow calls, without running its tasks."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perdure import allow_failure, flow, get_run_logger, runtime, session, task, unmapped
from perdure.errors import ParameterBindError, VisualizationError
from perdure.records import LogFilter, RunFilter


@task
def load(day: str = "today") -> list[int]:
    raise AssertionError("no task runs")


@task
def add(x: Any, y: Any = 0) -> int:
    raise AssertionError("no task runs")


@task
async def send(x: Any) -> None:
    raise AssertionError("no task runs")


def edges(graph: Any) -> list[tuple[str, str]]:
    names = {node.id: node.name for node in graph.nodes}
    return [(names[before], names[after]) for before, after in graph.edges]


def test_calls_are_drawn_in_order_with_whose_results_they_are_given() -> None:
    @flow
    def shop(day: str) -> Any:
        rows = load(day)
        first = add.submit(rows)
        return add(first.result() + 1, y={"nested": [rows]})

    graph = shop.visualize("monday")
    assert [node.name for node in graph.nodes] == ["load-0", "add-0", "add-1"]
    assert edges(graph) == [("load-0", "add-0"), ("load-0", "add-1"), ("add-0", "add-1")]


def test_nothing_of_a_drawing_is_recorded() -> None:
    @flow(log_prints=True)
    def shop() -> None:
        get_run_logger().info("drawn as %s", runtime.flow_run.flow_name)
        load()

    shop.visualize()
    known = session.current().orchestrator
    assert (list(known.flow_runs(RunFilter())), list(known.task_runs(RunFilter()))) == ([], [])
    assert list(known.log_lines(LogFilter(limit=10))) == []


def test_waiting_and_annotations_are_edges_too() -> None:
    @flow
    def shop() -> None:
        first, second = load.submit(), load.submit()
        third = add.submit(allow_failure(first), wait_for=[second])
        add.map([1, 2], unmapped(third)).result()

    graph = shop.visualize()
    assert edges(graph) == [("load-0", "add-0"), ("load-1", "add-0"), ("add-0", "add-1")]
    assert [node.is_mapped for node in graph.nodes] == [False, False, False, True]


def test_the_items_of_a_mapped_call_stand_for_all() -> None:
    @flow
    def shop() -> None:
        mapped = add.map(load())
        add([future.result() for future in mapped])
        add(mapped[0], [state for state in mapped])

    assert edges(shop.visualize()) == [("load-0", "add-0"), ("add-0", "add-1"), ("add-0", "add-2")]


@pytest.mark.parametrize(
    "use", [lambda x: x["price"], lambda x: x.price, lambda x: -1 + x * 2, lambda x: x.strip().upper()]
)
def test_what_is_made_of_a_result_is_still_of_its_call(use: Any) -> None:
    @flow
    def shop() -> None:
        add(use(load()))

    assert edges(shop.visualize()) == [("load-0", "add-0")]


def test_subflows_are_drawn_as_one_call() -> None:
    @flow
    def sub(x: Any) -> None:
        load()

    @flow
    def shop() -> None:
        sub(load())

    graph = shop.visualize()
    assert [(node.name, node.kind) for node in graph.nodes] == [("load-0", "task"), ("sub-0", "flow")]


def test_coroutine_flows_are_drawn_awaited_or_not() -> None:
    @flow
    async def shop() -> None:
        rows = load()
        await send(rows)
        future = await send.submit(rows)
        await future.result()

    @flow
    def plain() -> None:
        load()

    expected = [("load-0", "send-0"), ("load-0", "send-1")]
    assert edges(shop.visualize()) == expected

    async def awaited() -> tuple[Any, Any]:
        return await shop.visualize(), await plain.visualize()

    graph, other = asyncio.run(awaited())
    assert (edges(graph), len(other.nodes)) == (expected, 1)


@pytest.mark.parametrize(
    "depends",
    [
        bool,
        len,
        list,
        int,
        float,
        lambda x: x == 1 or 0,
        lambda x: 1 if x > 2 else 0,
        lambda x: [1][x],
        lambda x: 1 in x,
    ],
)
def test_code_that_depends_on_a_result_is_named(depends: Any) -> None:
    @flow
    def shop() -> None:
        depends(load())

    with pytest.raises(VisualizationError, match=r"result of 'load'.*viz_return_value"):
        shop.visualize()


def test_a_value_for_drawings_stands_for_the_result() -> None:
    rows = ["tea", "oil"]

    @task(viz_return_value=rows)
    def names() -> list[str]:
        raise AssertionError("no task runs")

    @task(viz_return_value=rows)
    async def anames() -> list[str]:
        raise AssertionError("no task runs")

    @flow
    def shop() -> None:
        for name in names():
            add(name)
        add(names.submit().result())
        add([future.result() for future in names.map([1, 2])])

    @flow
    async def ashop() -> None:
        add(await anames())
        add(await anames.submit().result())

    graph = shop.visualize()
    assert [node.name for node in graph.nodes].count("add-1") == 1
    assert edges(graph) == [("names-1", "add-2"), ("names-2", "add-3")]
    assert edges(ashop.visualize()) == [("anames-0", "add-0"), ("anames-1", "add-1")]


def test_a_method_is_drawn_of_its_object() -> None:
    class Shop:
        days = 2

        @flow
        def run(self, start: int) -> None:
            for day in range(start, self.days):
                load(day)

    assert len(Shop().run.visualize(0).nodes) == 2


def test_what_cannot_be_drawn_is_an_error() -> None:
    @flow
    def items() -> Iterator[int]:
        yield 1

    with pytest.raises(VisualizationError, match="generator"):
        items.visualize()

    @flow
    def shop(day: str) -> None:
        load(day)

    with pytest.raises(ParameterBindError):
        shop.visualize()


def test_tasks_run_again_after_a_drawing_that_failed() -> None:
    @task
    def one() -> int:
        return 1

    @flow
    def shop() -> int:
        if one():
            return 1
        return 0

    with pytest.raises(VisualizationError):
        shop.visualize()
    assert shop() == 1


def hostile() -> Any:
    @flow(name='a "flow" \\')
    def shop() -> None:
        load.with_options(name='<b>"x"\n</b> & ]')()

    return shop.visualize()


def test_the_texts_of_a_graph_hold_any_name() -> None:
    graph = hostile()
    assert '    n0["&lt;b&gt;#quot;x#quot; &lt;/b&gt; &amp; ]-0"]' in str(graph).splitlines()
    assert graph.dot().splitlines()[0] == 'digraph "a \\"flow\\" \\\\" {'
    assert set(graph._repr_mimebundle_()) >= {"text/plain", "text/markdown", "text/vnd.mermaid"}


def test_a_graph_is_saved_as_its_file_is_named(tmp_path: Path) -> None:
    graph = hostile()
    assert graph.save(tmp_path / "flow.mmd").read_text() == f"{graph}\n"
    assert graph.save(tmp_path / "flow.md").read_text().startswith("```mermaid\nflowchart TD")
    assert graph.save(str(tmp_path / "flow.dot")).read_text() == f"{graph.dot()}\n"
    with pytest.raises(VisualizationError, match=r"\.txt"):
        graph.save(tmp_path / "flow.txt")


def test_without_graphviz_a_picture_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(VisualizationError, match="Graphviz is not installed"):
        hostile().svg()


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_with_graphviz_a_graph_is_a_picture(tmp_path: Path) -> None:
    graph = hostile()
    assert "<svg" in graph.svg()
    assert graph.save(tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")
