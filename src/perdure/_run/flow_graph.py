"""The graph of what a flow calls, as text for Mermaid and Graphviz, and as a picture where Graphviz is installed."""

from collections.abc import Generator
from pathlib import Path
from typing import Literal, Self

from perdure._model.errors import VisualizationError
from perdure._platform.named import NamedTuple

_SECONDS = 60.0  # that Graphviz may take
_FENCES = {".md": "```mermaid\n{}\n```\n"}


class Node(NamedTuple):
    """A call of a task or of a subflow."""

    id: int
    name: str
    kind: Literal["task", "flow"]
    is_mapped: bool  # it stands for a call for each item


class FlowGraph:
    """What a flow calls, in order, and whose results each call is given. Its text is a Mermaid flowchart.

    A notebook shows it as a picture.
    """

    def __init__(self, name: str, nodes: list[Node], edges: list[tuple[int, int]]) -> None:
        self.name = name
        self.nodes = nodes
        self.edges = edges

    def mermaid(self) -> str:
        """A flowchart of Mermaid, which GitHub, GitLab and many editors draw."""
        lines = ["flowchart TD"]
        for node in self.nodes:
            before, after = _SHAPES[node.kind, node.is_mapped]
            lines.append(f'    n{node.id}{before}"{_mermaid_text(node.name)}"{after}')
        lines += [f"    n{before} --> n{after}" for before, after in self.edges]
        return "\n".join(lines)

    def dot(self) -> str:
        """The graph in the language of Graphviz."""
        lines = [f"digraph {_dot_text(self.name)} {{", "    node [shape=box, style=rounded];"]
        for node in self.nodes:
            shape = ", peripheries=2" if node.is_mapped else ", shape=folder" if node.kind == "flow" else ""
            lines.append(f"    n{node.id} [label={_dot_text(node.name)}{shape}];")
        lines += [f"    n{before} -> n{after};" for before, after in self.edges]
        return "\n".join([*lines, "}"])

    def svg(self) -> str:
        """A picture, drawn by Graphviz.

        Raises:
            VisualizationError: Graphviz is not installed, or fails.
        """
        return self._render("svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write the graph to a file: Mermaid to .mmd and .md, the text for Graphviz to .dot and .gv, else a picture.

        Raises:
            VisualizationError: the file's name has another ending, or Graphviz is needed and not installed.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending in (".mmd", ".md"):
            path.write_text(_FENCES.get(ending, "{}\n").format(self.mermaid()), encoding="utf-8")
        elif ending in (".dot", ".gv"):
            path.write_text(f"{self.dot()}\n", encoding="utf-8")
        elif ending in (".svg", ".png", ".pdf"):
            path.write_bytes(self._render(ending[1:]))
        else:
            raise VisualizationError(
                f"{str(path)!r} does not say how to write the graph: its name must end in .mmd, .md, .dot, .gv,"
                " .svg, .png or .pdf."
            )
        return path

    def _render(self, form: str) -> bytes:
        import shutil  # few programs draw; the others start faster
        import subprocess

        program = shutil.which("dot")
        if program is None:
            raise VisualizationError(
                "Graphviz is not installed: there is no program `dot`. Install it, as by `apt install graphviz`, or use"
                " the text of the graph: str(graph) is for Mermaid, graph.dot() for Graphviz elsewhere."
            )
        try:
            done = subprocess.run(
                [program, f"-T{form}"], input=self.dot().encode(), capture_output=True, timeout=_SECONDS, check=True
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise VisualizationError(f"Graphviz could not draw the graph: {error}.") from None
        return done.stdout

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """What a notebook shows."""
        import shutil

        text = self.mermaid()
        shown = {"text/plain": text, "text/markdown": _FENCES[".md"].format(text), "text/vnd.mermaid": text}
        if shutil.which("dot") is not None:
            shown["image/svg+xml"] = self.svg()
        return shown

    def __await__(self) -> Generator[object, None, Self]:
        """The graph itself, at once: `visualize` may be awaited or not."""
        return self
        yield

    def __str__(self) -> str:
        return self.mermaid()

    def __repr__(self) -> str:
        return f"<graph of the flow {self.name!r}: {len(self.nodes)} calls>"


_SHAPES = {
    ("task", False): ("[", "]"),
    ("task", True): ("[[", "]]"),
    ("flow", False): ("([", "])"),
    ("flow", True): ("([", "])"),
}


def _mermaid_text(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "#quot;")
    return " ".join(escaped.split())


def _dot_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{" ".join(escaped.split())}"'
